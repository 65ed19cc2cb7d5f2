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
import { writeRun } from '../_helpers/command-line.ts';
import { livelyRun } from './lively.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const tools = ['esbuild', 'preact', '@xterm/xterm', '@xterm/addon-search'];

/** Return the names of the packages that `npm ci --omit=dev` installs. */
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

/** One path for all tests, one after the other, so that Node compiles the sources once. */
const path = join(mkdtempSync(join(tmpdir(), 'agent-flow-checkout-')), 'checkout');
test.after.always(() => rmSync(dirname(path), { recursive: true, force: true }));

/** Copy the sources with only these packages, and create the state directory of a finished run. */
function checkout(t: ExecutionContext, packages: readonly string[]) {
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  for (const name of ['package.json', 'src', 'machines', 'scripts', 'schemas'])
    cpSync(join(root, name), join(path, name), { recursive: true });
  for (const name of packages) {
    const target = join(path, 'node_modules', name);
    mkdirSync(dirname(target), { recursive: true });
    if (existsSync(join(root, 'node_modules', name))) symlinkSync(join(root, 'node_modules', name), target);
  }
  const stateDir = join(path, 'state');
  const events = livelyRun(1).filter(({ type }) =>
    ['run.started', 'agent.ended', 'run.ended'].includes(type),
  );
  writeRun(stateDir, 'r1234567', [], events);
  const env = {
    AGENT_FLOW_STATE_DIR: stateDir,
    DOCKER_HOST: 'unix:///nowhere.sock',
    NODE_COMPILE_CACHE: join(dirname(path), 'compiled'),
  };
  const agentFlow = (args: readonly string[]) =>
    execa(process.execPath, ['src/bin.ts', ...args], {
      cwd: path,
      env,
      stdin: 'ignore',
      reject: false,
      timeout: 60_000,
    });
  return { path, agentFlow };
}

const isComplete = (html: string) => html.length > 300_000 && html.includes('"name":"lively"');

test.serial(
  'commands that need the page refuse to start without a built page and the build tools',
  async t => {
    const { path, agentFlow } = checkout(t, productionPackages());
    writeFileSync(
      join(path, 'spec.json'),
      JSON.stringify({ agents: { a: { command: ['true'], workspace: { mode: 'none' } } } }),
    );
    const html = join(path, 'run.html');
    const commands = [
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
    for (const args of commands) await check(args);
    // A run without the page gets as far as the missing engine.
    t.is((await agentFlow(['run', 'spec.json'])).exitCode, 3);

    mkdirSync(join(path, 'dist', 'page'), { recursive: true });
    for (const name of ['page.js', 'page.css', 'xterm.js', 'xterm.css'])
      writeFileSync(join(path, 'dist', 'page', name), '');
    await check(commands[0]!);
  },
);

test.serial('a built page works without the build tools', async t => {
  const { path, agentFlow } = checkout(t, [...productionPackages(), ...tools]);
  await execa(process.execPath, ['scripts/page.ts'], { cwd: path });
  for (const name of tools) rmSync(join(path, 'node_modules', name));
  const { exitCode, stderr } = await agentFlow(['inspector', '--html', 'run.html']);
  t.is(exitCode, 0, stderr);
  t.true(isComplete(readFileSync(join(path, 'run.html'), 'utf8')));
});

test.serial('the page is built on demand with the packages that the action installs', async t => {
  const { path, agentFlow } = checkout(t, [...productionPackages(), ...tools]);
  const { exitCode, stderr } = await agentFlow(['inspector', '--html', 'run.html']);
  t.is(exitCode, 0, stderr);
  t.true(isComplete(readFileSync(join(path, 'run.html'), 'utf8')));
  t.false(existsSync(join(path, 'dist')));
  const action = readFileSync(join(root, 'scripts', 'action'), 'utf8');
  for (const name of tools) t.true(action.includes(` ${name}`), name);
});

test.serial('prepare skips the build in npm ci without the build tools, and fails in npm pack', async t => {
  const { path } = checkout(t, productionPackages());
  const prepare = (npm_command: string) =>
    execa(process.execPath, ['scripts/prepare.ts'], { cwd: path, env: { npm_command }, reject: false });
  const installed = await prepare('ci');
  t.is(installed.exitCode, 0, installed.stderr);
  t.regex(installed.stderr, /is not built without its build tools; node \S+\/src\/bin\.ts runs its sources/);
  t.not((await prepare('pack')).exitCode, 0);
});
