#!/usr/bin/env node
// Bundle the command into dist/command, or into the given folder: a part of `npm run build`. A few files instead of some
// hundred modules start in half the time. From a checkout, `node src/bin.ts` runs unbuilt.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { packageFolder } from '../src/package.ts';

const [outdir = 'dist/command'] = process.argv.slice(2);

// Never publish files of an earlier build.
rmSync(join(packageFolder, outdir), { recursive: true, force: true });
await build({
  absWorkingDir: packageFolder,
  entryPoints: { 'agent-flow': 'src/bin.ts' },
  outdir,
  bundle: true,
  // Each command loads only the chunks that it needs.
  splitting: true,
  chunkNames: '[name]-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node22',
  mainFields: ['module', 'main'],
  // esbuild is installed only where the package is built; elkjs is itself a bundle of 1.6 MB.
  external: ['esbuild', 'elkjs'],
  // CommonJS packages require Node's own modules.
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
  legalComments: 'linked',
  logLevel: 'warning',
});
