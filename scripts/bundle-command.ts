import { rmSync } from 'node:fs';
import { build, type Metafile } from 'esbuild';
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
    legalComments: 'linked',
    logLevel: 'warning',
    metafile: true,
  });
  return metafile;
}

const requireBuiltin = `id => {
  const found = process.getBuiltinModule(id);
  if (found === undefined) throw new Error(\`Cannot find module \${id}\`);
  return found;
}`;
