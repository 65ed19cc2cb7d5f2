import { join } from 'node:path';
import { FlowError } from '../errors.ts';
import { packageFolder } from '../package.ts';
import { type Assets, assetNames, toAssets } from './asset-files.ts';

/** Build the page; return null without esbuild, which is a development dependency. */
export async function bundlePage(): Promise<Assets | null> {
  const esbuild = await import('esbuild').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ERR_MODULE_NOT_FOUND') return null;
    throw error;
  });
  return esbuild && bundleWith(esbuild);
}

/** xterm.js is a separate file: it is most of the page's size, and needed last. */
async function bundleWith({ build }: typeof import('esbuild')): Promise<Assets> {
  const folder = join(packageFolder, 'src', 'inspector', 'page');
  const { outputFiles } = await build({
    absWorkingDir: packageFolder,
    entryPoints: { page: join(folder, 'main.tsx'), xterm: join(folder, 'xterm.ts') },
    outdir: 'dist/page',
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2023',
    charset: 'utf8',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'eof',
    write: false,
    logLevel: 'silent',
  }).catch((error: Error) => {
    throw new FlowError(
      `the page of the inspector cannot be built: ${error.message}. Run npm ci in ${packageFolder}`,
      2,
      {
        cause: error,
      },
    );
  });
  const text = (name: string) => outputFiles.find(({ path }) => path.endsWith(`/${name}`))?.text ?? '';
  return toAssets(Object.fromEntries(assetNames.map(name => [name, text(name)])));
}
