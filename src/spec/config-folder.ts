import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from './interpolate.ts';

/** Return the directory with the user's own configuration, whether or not it exists. */
export const configFolder = (env: Environment): string =>
  join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'agent-flow');
