import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FlowError } from '../errors.ts';
import { packageFolder } from '../package.ts';
import { type Assets, assetNames, toAssets } from './asset-files.ts';

/** The output folder of the build, in the package. */
export const assetFolder = join(packageFolder, 'dist', 'page');

let found: Promise<Assets> | null = null;

/**
 * Read or build the page, once. The package contains it built. In a checkout it is built from the sources, so that it is
 * never stale; without the build tools, as after `npm ci --omit=dev`, the last build is used. Rejects with a `FlowError` if
 * there is none.
 */
export function assets(): Promise<Assets> {
  found ??= import.meta.filename.endsWith('.ts') ? buildAssets() : readBuiltAssets();
  return found;
}

async function buildAssets(): Promise<Assets> {
  const { bundlePage } = await import('./bundle.ts');
  return (await bundlePage()) ?? readBuiltAssets();
}

async function readBuiltAssets(): Promise<Assets> {
  try {
    return toAssets(
      Object.fromEntries(assetNames.map(name => [name, readFileSync(join(assetFolder, name), 'utf8')])),
    );
  } catch (error) {
    throw new FlowError(
      `the page of the inspector is missing in ${assetFolder}. In a checkout, npm ci (not with --omit=dev) builds it; install a package that lacks it again. A run without --html and --inspect does not need it`,
      2,
      { cause: error },
    );
  }
}
