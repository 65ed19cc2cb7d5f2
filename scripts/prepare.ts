#!/usr/bin/env node
// Build agent-flow after `npm install` in a checkout, and before it is packed. `npm ci --omit=dev` leaves the build tools
// out, which is not an error: the sources run unbuilt.
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
