import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the package lies, whether its sources run or what was built from them, and what it says of itself. */
const found = findPackage();

export const packageFolder = found.folder;
export const version = found.version;

function findPackage(): { readonly folder: string; readonly version: string } {
  // Bundled into a program as CommonJS there is no URL.
  const start = import.meta.url ? dirname(fileURLToPath(import.meta.url)) : '/';
  for (let folder = start; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    const { name, version } = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
    if (/^(@[^/]+\/)?agent-flow$/.test(name)) return { folder, version };
    // What images are built of, and the inspector's page, are files of the package.
    if (folder === dirname(folder))
      throw new Error(
        `agent-flow does not find its own files from ${start}: a bundler has put it into another program. Leave it out of the bundle, as esbuild does with --external:agent-flow`,
      );
  }
}
