import { join } from 'node:path';
import { FlowError } from '../errors.ts';
import { packageFolder } from '../package.ts';
import type { Assets } from './assets.ts';

/**
 * Builds the page. xterm.js comes as a file of its own: it is most of what the page weighs, and needed last. esbuild
 * is there where the package is built, not where it is installed.
 */
export async function bundlePage(): Promise<Assets> {
  const { build } = await import('esbuild').catch(error => {
    throw new FlowError('the inspector’s page cannot be built without esbuild: run npm install', 3, {
      cause: error,
    });
  });
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
  });
  const text = (name: string) => outputFiles.find(({ path }) => path.endsWith(`/${name}`))?.text ?? '';
  return {
    'page.js': text('page.js'),
    'page.css': text('page.css'),
    'xterm.js': text('xterm.js'),
    'xterm.css': text('xterm.css'),
  };
}
