import { tmpdir } from 'node:os';
import { escapeSuite } from './escape-suite.ts';

escapeSuite({ parent: tmpdir() });
