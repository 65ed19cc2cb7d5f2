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
    plugins: [lazyTextData],
    legalComments: 'linked',
    logLevel: 'warning',
    metafile: true,
  });
  // Without it, Node looks for the package of each chunk in every folder above: a tenth of the start-up.
  writeFileSync(join(outdir, 'package.json'), '{ "type": "module" }\n');
  return metafile;
}

/**
 * Let each copy of string-width create its segmenter, and its pattern of all emoji, when it first needs them. Both read the
 * data of ICU, which takes a fifth of the start-up, and most commands measure no text.
 */
const lazyTextData: Plugin = {
  name: 'lazy-text-data',
  setup({ onLoad }) {
    onLoad({ filter: /\/string-width\/index\.js$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const eager = /^const (\w+) = (new Intl\.Segmenter\(\)|\/.*\\p\{RGI_Emoji\}.*\/v);$/gm;
      if (!eager.test(source)) throw new Error(`${path} creates no Intl.Segmenter when it is loaded`);
      return { contents: source.replace(eager, `const $1 = (${lazy})(() => $2);`), loader: 'js' };
    });
  },
};

/** An object with the methods that string-width calls. */
const lazy = `create => {
  let created;
  const get = () => (created ??= create());
  return { segment: text => get().segment(text), test: text => get().test(text), exec: text => get().exec(text) };
}`;

const requireBuiltin = `id => {
  const found = process.getBuiltinModule(id);
  if (found === undefined) throw new Error(\`Cannot find module \${id}\`);
  return found;
}`;
