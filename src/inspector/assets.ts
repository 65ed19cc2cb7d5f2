import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FlowError } from '../errors.ts';
import { packageFolder } from '../package.ts';
import { type Assets, assetNames, toAssets } from './asset-files.ts';

/** Where the build leaves them, in the package. */
export const assetFolder = join(packageFolder, 'dist', 'page');

let found: Promise<Assets> | null = null;

/**
 * The page, read or built once. A package brings it built. Where the sources run, it is built of them, so that it is never
 * stale; without the build tools, as after `npm ci --omit=dev`, the last build counts. Rejects with a `FlowError` where
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
      `there is no page of the inspector in ${assetFolder}. In a checkout, npm ci (not with --omit=dev) builds it; a package that lacks it is to be installed again. Without --html and --inspect a run needs none`,
      2,
      { cause: error },
    );
  }
}
