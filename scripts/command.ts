#!/usr/bin/env node
// Bundles the command into dist/command, or the folder that is named: a part of `npm run build`. Of some hundred modules
// it becomes a few files, which start in half the time. From a checkout `node src/bin.ts` needs nothing built.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { packageFolder } from '../src/package.ts';

const [outdir = 'dist/command'] = process.argv.slice(2);

// Nothing of an earlier build is to be published.
rmSync(join(packageFolder, outdir), { recursive: true, force: true });
await build({
  absWorkingDir: packageFolder,
  entryPoints: { 'agent-flow': 'src/bin.ts' },
  outdir,
  bundle: true,
  // What a command does not need is not loaded for it.
  splitting: true,
  chunkNames: '[name]-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node22',
  mainFields: ['module', 'main'],
  // The one is there only where the package is built; the other is itself a bundle, and 1.6 MB of it.
  external: ['esbuild', 'elkjs'],
  // CommonJS among the packages asks for Node's own modules.
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
  legalComments: 'linked',
  logLevel: 'warning',
});
