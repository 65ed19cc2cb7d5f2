import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../package.ts';

/** The page's own program and looks. Nothing of them comes from anywhere else. */
export interface Assets {
  readonly 'page.js': string;
  readonly 'page.css': string;
  readonly 'xterm.js': string;
  readonly 'xterm.css': string;
}

export const assetNames = ['page.js', 'page.css', 'xterm.js', 'xterm.css'] as const;

/** Where the build leaves them, in the package. */
export const assetFolder = join(packageFolder, 'dist', 'page');

let bundled: Promise<Assets> | null = null;

/** A package brings them built; where the sources run they are built of the sources, so that they are never stale. */
export async function assets(): Promise<Assets> {
  if (import.meta.filename.endsWith('.ts')) {
    const { bundlePage } = await import('./bundle.ts');
    bundled ??= bundlePage();
    return bundled;
  }
  const read = assetNames.map(name => [name, readFileSync(join(assetFolder, name), 'utf8')]);
  return Object.fromEntries(read);
}
