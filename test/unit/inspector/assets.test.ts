import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { pastRun } from '../_helpers/command-line.ts';
import { livelyRun } from './lively.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const tools = ['esbuild', 'preact', '@xterm/xterm', '@xterm/addon-search'];

/** Names of the packages that `npm ci --omit=dev` installs. */
function productionPackages(): string[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, { dev?: boolean; devOptional?: boolean; optional?: boolean }>>;
  };
  return Object.entries(packages)
    .filter(
      ([path, { dev, devOptional }]) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) && !dev && !devOptional,
    )
    .map(([path]) => path.slice('node_modules/'.length));
}

/** The sources with these packages and no others, and the state directory of a run that is over. */
function checkout(t: ExecutionContext, packages: readonly string[]) {
  const path = mkdtempSync(join(tmpdir(), 'agent-flow-checkout-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  for (const name of ['package.json', 'src', 'machines', 'scripts', 'schemas'])
    cpSync(join(root, name), join(path, name), { recursive: true });
  for (const name of packages) {
    const place = join(path, 'node_modules', name);
    mkdirSync(dirname(place), { recursive: true });
    if (existsSync(join(root, 'node_modules', name))) symlinkSync(join(root, 'node_modules', name), place);
  }
  const stateDir = join(path, 'state');
  const events = livelyRun(1).filter(({ type }) =>
    ['run.started', 'agent.ended', 'run.ended'].includes(type),
  );
  pastRun(stateDir, 'r1234567', [], events);
  const agentFlow = (args: readonly string[]) =>
    execa(process.execPath, ['src/bin.ts', ...args], {
      cwd: path,
      env: { AGENT_FLOW_STATE_DIR: stateDir, DOCKER_HOST: 'unix:///nowhere.sock' },
      stdin: 'ignore',
      reject: false,
      timeout: 60_000,
    });
  return { path, agentFlow };
}

const isWhole = (html: string) => html.length > 300_000 && html.includes('"name":"lively"');

test('without the build tools and a built page, whatever needs the page says so before anything is started', async t => {
  const { path, agentFlow } = checkout(t, productionPackages());
  writeFileSync(
    join(path, 'spec.json'),
    JSON.stringify({ agents: { a: { command: ['true'], workspace: { mode: 'none' } } } }),
  );
  const html = join(path, 'run.html');
  const asks = [
    ['run', 'spec.json', '--html', html],
    ['run', 'spec.json', '--inspect'],
    ['inspector', '--html', html],
  ];
  const check = async (args: readonly string[]) => {
    const { exitCode, stderr } = await agentFlow(args);
    t.is(exitCode, 2, `${args.join(' ')}: ${stderr}`);
    t.regex(
      stderr,
      /^agent-flow: the page of the inspector is missing in \S+\/dist\/page\. .*npm ci/,
      args.join(' '),
    );
    t.false(existsSync(html));
  };
  for (const args of asks) await check(args);
  // Without it, the run gets as far as the engine.
  t.is((await agentFlow(['run', 'spec.json'])).exitCode, 3);

  mkdirSync(join(path, 'dist', 'page'), { recursive: true });
  for (const name of ['page.js', 'page.css', 'xterm.js', 'xterm.css'])
    writeFileSync(join(path, 'dist', 'page', name), '');
  await check(asks[0]!);
});

test('a page that was built serves where the build tools are not installed any more', async t => {
  const { path, agentFlow } = checkout(t, [...productionPackages(), ...tools]);
  await execa(process.execPath, ['scripts/page.ts'], { cwd: path });
  for (const name of tools) rmSync(join(path, 'node_modules', name));
  const { exitCode, stderr } = await agentFlow(['inspector', '--html', 'run.html']);
  t.is(exitCode, 0, stderr);
  t.true(isWhole(readFileSync(join(path, 'run.html'), 'utf8')));
});

test('with what the action installs the page is built of the sources', async t => {
  const { path, agentFlow } = checkout(t, [...productionPackages(), ...tools]);
  const { exitCode, stderr } = await agentFlow(['inspector', '--html', 'run.html']);
  t.is(exitCode, 0, stderr);
  t.true(isWhole(readFileSync(join(path, 'run.html'), 'utf8')));
  t.false(existsSync(join(path, 'dist')));
  const action = readFileSync(join(root, 'scripts', 'action'), 'utf8');
  for (const name of tools) t.true(action.includes(` ${name}`), name);
});

test('npm ci without the build tools leaves the sources, and packing without them fails', async t => {
  const { path } = checkout(t, productionPackages());
  const prepare = (npm_command: string) =>
    execa(process.execPath, ['scripts/prepare.ts'], { cwd: path, env: { npm_command }, reject: false });
  const installed = await prepare('ci');
  t.is(installed.exitCode, 0, installed.stderr);
  t.regex(installed.stderr, /is not built without its build tools; node \S+\/src\/bin\.ts runs its sources/);
  t.not((await prepare('pack')).exitCode, 0);
});
