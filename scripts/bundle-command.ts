import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';
import { packageFolder, version } from '../src/package.ts';

/** Bundle the command into a folder. Returns what each chunk contains and imports. */
export async function bundleCommand(outdir: string): Promise<Metafile> {
  // Never publish files of an earlier build.
  rmSync(outdir, { recursive: true, force: true });
  const { metafile } = await build({
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
    define: { bundledVersion: JSON.stringify(version) },
    // CommonJS packages require Node's own modules. It is in each of many chunks, where `createRequire` takes time.
    banner: { js: `const require = ${requireBuiltin};` },
    plugins: [lazySegmenter],
    legalComments: 'linked',
    logLevel: 'warning',
    metafile: true,
  });
  // Without it, Node looks for the package of each chunk in every folder above: a tenth of the start-up.
  writeFileSync(join(outdir, 'package.json'), '{ "type": "module" }\n');
  return metafile;
}

/**
 * Let each copy of string-width create its segmenter when it first needs it. That reads the data of ICU, which takes a tenth
 * of the start-up, and most commands measure no text.
 */
const lazySegmenter: Plugin = {
  name: 'lazy-segmenter',
  setup({ onLoad }) {
    const eager = 'const segmenter = new Intl.Segmenter();';
    const lazy = `let made;
      const segmenter = { segment: text => (made ??= new Intl.Segmenter()).segment(text) };`;
    onLoad({ filter: /\/string-width\/index\.js$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      if (!source.includes(eager)) throw new Error(`${path} has no "${eager}"`);
      return { contents: source.replace(eager, lazy), loader: 'js' };
    });
  },
};

const requireBuiltin = `id => {
  const found = process.getBuiltinModule(id);
  if (found === undefined) throw new Error(\`Cannot find module \${id}\`);
  return found;
}`;
