#!/usr/bin/env node
// Bundle the command into dist/command, or into the given folder: a part of `npm run build`. A few files instead of some
// hundred modules start in half the time. From a checkout, `node src/bin.ts` runs unbuilt.
import { resolve } from 'node:path';
import { packageFolder } from '../src/package.ts';
import { bundleCommand } from './bundle-command.ts';

await bundleCommand(resolve(packageFolder, process.argv[2] ?? 'dist/command'));
