import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { fakeDocker, place, small } from './flow.ts';

interface Finding {
  readonly check: string;
  readonly status: string;
  readonly found: string;
  readonly hint: string | null;
}

/** Reported only where the engine or the configuration of the docker client gives a reason. */
const sometimes = ['docker config', 'users', 'init', 'platform'];

const named = (findings: readonly Finding[], check: string) => findings.find(found => found.check === check)!;

test('doctor passes on this engine, prints one line per check and changes nothing', async t => {
  const here = place(t);
  const { exitCode, json, stdout } = await here.agentFlow(['doctor', '--json']);
  t.is(exitCode, 0, stdout);
  t.deepEqual(
    json.filter(({ status }: Finding) => status === 'fail'),
    [],
  );
  const always = json.filter(({ check }: Finding) => !sometimes.includes(check));
  t.deepEqual(
    always.map(({ check }: Finding) => check),
    [
      ...['Node.js', 'git', 'docker client', 'docker engine', 'image builder', 'engine size'],
      'limits',
      ...['shared files', 'docker disk', 'base image', 'parent image', 'network', 'leftovers'],
      ...['state directory', 'state disk'],
    ],
  );
  t.regex(named(json, 'docker engine').found, /^\d+\.\d+.*API 1\.\d+/);
  t.regex(named(json, 'state directory').found, /does not exist yet/);
  t.false(here.shimmed().some(verb => ['pull', 'build', 'create', 'rm'].includes(verb)));
  const { stdout: text } = await here.agentFlow(['doctor']);
  t.regex(text, /^ok {4}docker engine +— \d/m);
});

test('doctor reports a missing engine', async t => {
  const here = place(t);
  const env = { ...here.env, DOCKER_HOST: `unix://${here.path}/none.sock` };
  const { exitCode, stdout } = await here.agentFlow(['doctor'], { env });
  t.is(exitCode, 3);
  t.regex(
    stdout,
    /^fail {2}docker engine .*none\.sock.*\n {6}→ start the engine|^fail .*none\.sock.*\n {6}→ start Docker/m,
  );
  t.notRegex(stdout, /base image/);
});

test('doctor ends although the socket accepts the call and never replies', async t => {
  const here = place(t);
  const socket = join(here.path, 'silent.sock');
  const server = createServer(() => {});
  await new Promise<void>(resolve => server.listen(socket, resolve));
  t.teardown(() => server.close());
  const env = { ...here.env, DOCKER_HOST: `unix://${socket}` };
  const { exitCode, json } = await here.agentFlow(['doctor', '--json'], { env, timeout: 300_000 });
  t.is(exitCode, 3);
  t.regex(named(json, 'docker engine').found, /no response within 5 s .*silent\.sock/);
  t.regex(named(json, 'docker engine').hint!, /restart/);
});

test('doctor reports a network with another driver, an outdated image, and a base that no registry has', async t => {
  const here = place(t);
  const env = fakeDocker(here, {
    'network ls': 'echo tmux-agents overlay; exit 0',
    'image inspect -- tmux-agents-base:latest': `echo '[{"Id": "sha256:1", "Config": {"Labels": {"tmux-agents.protocol": "2", "tmux-agents.content": "old"}}}]'; exit 0`,
    'image inspect -- node:22-slim': 'echo "Error: No such image: node:22-slim" >&2; exit 1',
    'manifest inspect': 'echo no such manifest >&2; exit 1',
  });
  const { exitCode, json } = await here.agentFlow(['doctor', '--json'], { env });
  t.is(exitCode, 3);
  t.like(named(json, 'network'), { status: 'fail' });
  t.regex(named(json, 'network').found, /is overlay, not bridge/);
  t.like(named(json, 'base image'), { status: 'warn' });
  t.regex(named(json, 'base image').hint!, /agent-flow build/);
  t.like(named(json, 'parent image'), { status: 'warn' });
});

test('doctor reports containers without a supervisor until cleanup has removed them', async t => {
  const here = place(t);
  const agents = { worker: { command: ['true'], workspace: 'workspace', keep: 'always', ...small } };
  const run = await here.run({ agents });
  t.is(run.exitCode, 0, run.stderr);
  const found = named((await here.agentFlow(['doctor', '--json'])).json, 'leftovers');
  t.is(found.status, 'warn');
  t.regex(found.found, new RegExp(`tmux-agent-${here.runId()}-worker-1 \\(exited\\)`));
  t.regex(found.hint!, /agent-flow cleanup/);
  await here.agentFlow(['cleanup']);
  t.is(named((await here.agentFlow(['doctor', '--json'])).json, 'leftovers').status, 'ok');
});

test('doctor exits with 1 for a read-only state directory, since Docker works', async t => {
  const here = place(t);
  mkdirSync(join(here.path, 'folder'));
  await execa('touch', [join(here.path, 'folder', 'file')]);
  const { exitCode, json } = await here.agentFlow([
    'doctor',
    '--json',
    '--state-dir',
    join(here.path, 'folder', 'file'),
  ]);
  t.is(exitCode, 1);
  t.like(named(json, 'state directory'), { status: 'fail' });
});
