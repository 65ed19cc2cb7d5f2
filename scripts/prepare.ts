#!/usr/bin/env node
// Builds agent-flow after `npm install` in a checkout, and before it is packed. `npm ci --omit=dev` leaves the build tools
// out: the sources run as they are, and that is no error.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../src/package.ts';

const tools = ['typescript', 'esbuild'].map(name => join(packageFolder, 'node_modules', name));
const isInstall = ['ci', 'install'].includes(process.env.npm_command ?? '');
if (isInstall && !tools.every(path => existsSync(path)))
  console.error(
    `agent-flow is not built without its build tools; node ${packageFolder}/src/bin.ts runs its sources`,
  );
else
  process.exitCode = spawnSync('npm', ['run', 'build'], { cwd: packageFolder, stdio: 'inherit' }).status ?? 1;
