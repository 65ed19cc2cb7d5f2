#!/usr/bin/env node
// Bundle the unit tests of each folder into one file of .tested/unit, for ava.unit.config.js: loading ava and the sources
// takes longer than most test files run. `ava FILE` runs a single test file unbundled.
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { packageFolder } from '../src/package.ts';

const folder = join(packageFolder, 'test/unit');
const outdir = join(packageFolder, '.tested/unit');

/** Folders whose tests take a second or more; those of all others share one bundle. */
const large = [
  ...['actors', 'agent-cli', 'commands', 'docker', 'fixtures', 'graph', 'inspector', 'machines', 'package'],
  ...['preflight', 'recovery', 'scripts', 'spec', 'store', 'workspace'],
];

/** Test files that keep a process busy, or wait, for seconds, or that compare times. */
const slow = [
  'text/text',
  'text/width',
  'docker/wrapper',
  'docker/floods',
  'docker/stream',
  'commands/logs-transcript',
  'machines/paths',
  'machines/mutation',
  'inspector/assets',
  'scripts/fleet',
  'workspace/git-state',
  'workspace/protected-git',
  'workspace/unpack',
];

const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.test.ts'))
  .map(file => file.slice(0, -'.test.ts'.length))
  .sort();
const snapshotOf = (name: string) =>
  join(folder, dirname(name), 'snapshots', `${basename(name)}.test.ts.snap`);
// Ava has one file of snapshots for each file that it runs.
const isAlone = (name: string) => slow.includes(name) || existsSync(snapshotOf(name));
const bundleOf = (name: string) => {
  const [top = ''] = name.split('/');
  return large.includes(top) ? top : 'others';
};
const bundles = Map.groupBy(names, name => (isAlone(name) ? name : bundleOf(name)));

/** Return the part of the titles of a test file that ava, which knows the bundle only, does not add. */
const titleOf = (name: string) =>
  name
    .split('/')
    .slice(bundleOf(name) === 'others' ? 0 : 1)
    .join(' › ');

/** Load a bundle as imports of its test files, each of which prefixes its titles with its name, as ava does. */
const testFiles: Plugin = {
  name: 'test-files',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^bundle:/ }, ({ path }) => ({
      path: path.slice('bundle:'.length),
      namespace: 'bundle',
    }));
    onLoad({ filter: /.*/, namespace: 'bundle' }, ({ path }) => ({
      resolveDir: folder,
      contents: bundles
        .get(path)!
        .map(name => `import './${name}.test.ts';`)
        .join('\n'),
    }));
    onResolve({ filter: /^ava$/ }, ({ importer }) => {
      const name = relative(folder, importer).replace(/\.test\.ts$/, '');
      return names.includes(name) && !bundles.has(name)
        ? { path: titleOf(name), namespace: 'ava' }
        : { path: 'ava', external: true };
    });
    onLoad({ filter: /.*/, namespace: 'ava' }, ({ path }) => ({
      resolveDir: folder,
      contents: `
        import test from 'ava';
        const prefixed = declare => (title, ...rest) => declare(${JSON.stringify(`${path} › `)} + title, ...rest);
        export default Object.assign(prefixed(test), test, { serial: prefixed(test.serial) });`,
    }));
  },
};

/** Keep the paths of modules, which find files beside their source. */
const sourcePaths: Plugin = {
  name: 'source-paths',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/, namespace: 'file' }, ({ path }) => {
      const meta = { dirname: dirname(path), filename: path, url: pathToFileURL(path).href };
      const contents = readFileSync(path, 'utf8').replace(
        /\bimport\.meta\.(dirname|filename|url)\b/g,
        (_, key) => JSON.stringify(meta[key as keyof typeof meta]),
      );
      return { contents, loader: 'ts' };
    });
  },
};

// Run no test file of an earlier build.
rmSync(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: packageFolder,
  entryPoints: Object.fromEntries([...bundles.keys()].map(name => [`${name}.test`, `bundle:${name}`])),
  outdir,
  bundle: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node22',
  plugins: [testFiles, sourcePaths],
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
});
for (const name of names.filter(name => existsSync(snapshotOf(name))))
  copyFileSync(snapshotOf(name), join(outdir, `${name}.test.js.snap`));
