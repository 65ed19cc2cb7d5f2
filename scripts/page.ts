#!/usr/bin/env node
// Build the inspector's page into dist/page: a part of `npm run build`. A checkout needs no build.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assetFolder } from '../src/inspector/assets.ts';
import { bundlePage } from '../src/inspector/bundle.ts';

mkdirSync(assetFolder, { recursive: true });
const page = await bundlePage();
if (page === null) throw new Error('esbuild is not installed: run npm install');
for (const [name, text] of Object.entries(page)) {
  // A server that reads the page at this moment gets it whole.
  const file = join(assetFolder, name);
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
