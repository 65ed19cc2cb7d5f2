import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder and version of the package, for its sources and its build. */
const found = findPackage();

export const packageFolder = found.folder;
export const version = found.version;

function findPackage(): { readonly folder: string; readonly version: string } {
  // `import.meta.url` is empty in a CommonJS bundle.
  const start = import.meta.url ? dirname(fileURLToPath(import.meta.url)) : '/';
  for (let folder = start; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    const { name, version } = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
    if (/^(@[^/]+\/)?agent-flow$/.test(name)) return { folder, version };
    // Build contexts of images and the inspector's page are files of the package.
    if (folder === dirname(folder))
      throw new Error(
        `could not find the files of agent-flow from ${start}: it was bundled into another program. Exclude it from the bundle, for example with esbuild --external:agent-flow`,
      );
  }
}
