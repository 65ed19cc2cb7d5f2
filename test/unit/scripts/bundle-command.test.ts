import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import test from 'ava';
import type { Metafile } from 'esbuild';
import { execa } from 'execa';
import { bundleCommand } from '../../../scripts/bundle-command.ts';
import { packageFolder, version } from '../../../src/package.ts';

// In the package, whose package.json the command reads.
const parent = join(packageFolder, '.tested');
mkdirSync(parent, { recursive: true });
const folder = mkdtempSync(join(parent, 'loaded-'));
const spec = join(folder, 'spec.json');
let outputs: Metafile['outputs'];

test.before(async () => {
  ({ outputs } = await bundleCommand(join(folder, 'command')));
  writeFileSync(spec, '{"agents": {"agent": {"command": ["true"], "workspace": {"mode": "none"}}}}');
});
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const dependencies = Object.keys(
  JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')).dependencies,
);

/** Run the bundled command without a docker. Returns what it loads: files of the bundle, sources, direct dependencies. */
async function loadedBy(args: readonly string[]) {
  const list = join(folder, `${args[0]}.txt`);
  const hook = `import { appendFileSync } from 'node:fs';
    import { registerHooks } from 'node:module';
    registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(list)}, url + '\\n'); return next(url, context); } });`;
  const command = join(folder, 'command', 'agent-flow.js');
  const { exitCode, stdout } = await execa(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, command, ...args],
    { env: { PATH: folder, AGENT_FLOW_STATE_DIR: join(folder, 'state') }, reject: false, timeout: 60_000 },
  );
  const files = readFileSync(list, 'utf8')
    .split('\n')
    .filter(url => url.startsWith('file:'))
    .map(url => basename(url));
  const chunks = Object.entries(outputs).filter(([path]) => files.includes(basename(path)));
  const inputs = chunks.flatMap(([, { inputs }]) =>
    Object.keys(inputs).filter(path => inputs[path]!.bytesInOutput > 0),
  );
  return {
    exitCode,
    stdout,
    files,
    sources: inputs.filter(path => path.startsWith('src/')),
    packages: dependencies.filter(name =>
      inputs.some(path => path.split('node_modules/')[1]?.startsWith(`${name}/`)),
    ),
  };
}

test('--version loads one file', async t => {
  const { exitCode, stdout, files } = await loadedBy(['--version']);
  t.deepEqual([exitCode, stdout, files], [0, version, ['agent-flow.js']]);
});

test('validate loads what parses and checks a spec', async t => {
  const { exitCode, sources, packages } = await loadedBy(['validate', spec]);
  t.is(exitCode, 0);
  t.deepEqual(packages, ['@jmespath-community/jmespath', 'jsonc-parser', 'leven', 'yargs', 'zod']);
  const folders = new Set(sources.map(path => path.split('/')[1]));
  for (const folder of ['docker', 'run', 'actors', 'state', 'inspector', 'reporters'])
    t.false(folders.has(folder), folder);
});

test('run loads no inspector, no chart, no reporter that writes a file, and no frame without a terminal', async t => {
  const { exitCode, sources, packages } = await loadedBy(['run', spec]);
  // No docker: everything that a run needs is loaded before it looks for one.
  t.is(exitCode, 3);
  t.true(sources.includes('src/run/start-run.ts'));
  for (const name of ['@statelyai/inspect', 'elkjs', 'fast-xml-parser', 'log-update', 'ws'])
    t.false(packages.includes(name), name);
  const unused = /^src\/(inspector|graph|doctor|dry-run|examples|reporters\/(junit|live|frame))\b/;
  t.deepEqual(
    sources.filter(path => unused.test(path)),
    [],
  );
});

const run = (bundle: string, args: readonly string[]) =>
  execa(process.execPath, [join(bundle, 'agent-flow.js'), ...args], {
    // A cache of the caller's own takes precedence.
    env: { NODE_COMPILE_CACHE: undefined, NODE_DISABLE_COMPILE_CACHE: undefined },
    reject: false,
    timeout: 60_000,
  });

test('Node keeps the compiled bundle beside it, though not for --version', async t => {
  const bundle = join(folder, 'kept');
  await bundleCommand(bundle);
  await run(bundle, ['--version']);
  t.false(existsSync(join(bundle, 'compiled')));
  t.is((await run(bundle, ['validate', spec])).exitCode, 0);
  t.not(readdirSync(join(bundle, 'compiled'), { recursive: true }).length, 0);
});

test('a command runs where the compiled bundle cannot be kept', async t => {
  const bundle = join(folder, 'not-kept');
  await bundleCommand(bundle);
  writeFileSync(join(bundle, 'compiled'), '');
  const { exitCode, stdout, stderr } = await run(bundle, ['validate', spec]);
  t.deepEqual([exitCode, stdout, stderr], [0, '', `${spec} is valid: agent`]);
});
