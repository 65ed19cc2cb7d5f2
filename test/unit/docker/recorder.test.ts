import test from 'ava';
import { recorder } from '../../../src/docker/recorder.ts';
import type { RunEventBody } from '../../../src/events.ts';

test('the key to sealed secrets is redacted in the journal, and other arguments are not', async t => {
  const events: RunEventBody[] = [];
  const { call } = recorder({ append: async event => void events.push(event) }, () => 0);
  const key = 'ab'.repeat(32);
  await call(
    ['create', `--label=tmux-agents.seal=${key}`, `--label=other=${key}`, '--', 'image'],
    null,
    true,
  );
  const [event] = events;
  t.deepEqual(event?.type === 'docker.call' && event.argv, [
    'docker',
    'create',
    '--label=tmux-agents.seal=[secret]',
    `--label=other=${key}`,
    '--',
    'image',
  ]);
});

test("docker's stderr is redacted, and its stdout is not", async t => {
  const events: RunEventBody[] = [];
  const redact = (text: string) => text.replaceAll('running', '[secret]');
  const { call } = recorder({ append: async event => void events.push(event) }, () => 0, 0, redact);
  const result = {
    ok: false,
    exitCode: 1,
    interrupted: null,
    stdout: '{"Status":"running"}',
    stderr: 'not running',
  };
  const { end } = await call(['inspect'], null, false);
  t.deepEqual(end(result), { ...result, stderr: 'not [secret]' });
  t.like(events[1], { type: 'docker.result', stderr: 'not [secret]' });
});

test('polling calls are journaled if they or their results change, and calls are numbered without a gap', async t => {
  const events: RunEventBody[] = [];
  const { call } = recorder({ append: async event => void events.push(event) }, () => 0);
  const poll = async (ok: boolean, stderr = '', args = ['ps', '--all']) => {
    const { end } = await call(args, null, false, true);
    t.is(end({ ok, exitCode: ok ? 0 : 1, interrupted: null, stderr, stdout: 'x' }).stdout, 'x');
  };
  const read = async () =>
    (await call(['ps', '--all'], null, false)).end({ ok: true, exitCode: 0, interrupted: null, stderr: '' });

  for (let time = 0; time < 50; time++) await poll(true);
  for (let time = 0; time < 50; time++) await poll(false, 'unreachable');
  await poll(false, 'denied');
  await poll(true);
  await poll(true, '', ['ps']);
  await read();
  await read();
  await poll(true, '', ['ps']);
  const calls = events.flatMap(event =>
    event.type === 'docker.call' ? [[event.call, event.argv.join(' ')]] : [],
  );
  t.deepEqual(calls, [
    [1, 'docker ps --all'],
    [2, 'docker ps --all'],
    [3, 'docker ps --all'],
    [4, 'docker ps --all'],
    [5, 'docker ps'],
    [6, 'docker ps --all'],
    [7, 'docker ps --all'],
  ]);
  const results = events.flatMap(event => (event.type === 'docker.result' ? [[event.call, event.ok]] : []));
  t.deepEqual(results, [
    [1, true],
    [2, false],
    [3, false],
    [4, true],
    [5, true],
    [6, true],
    [7, true],
  ]);
});

test('a new polling call is journaled before docker is spawned', async t => {
  const events: RunEventBody[] = [];
  const { call } = recorder({ append: async event => void events.push(event) }, () => 0);
  await call(['events', '--since=1'], null, false, true);
  await call(['events', '--since=2'], null, false, true);
  t.deepEqual(
    events.map(({ type }) => type),
    ['docker.call', 'docker.call'],
  );
});

test('polling calls of one agent are compared with its own only', async t => {
  const events: RunEventBody[] = [];
  const { call } = recorder({ append: async event => void events.push(event) }, () => 0);
  for (const agent of ['a', 'b', 'a', 'b'])
    (await call(['exec', agent, 'tail'], { agent, attempt: 1 }, false, true)).end({
      ok: false,
      exitCode: 1,
      interrupted: null,
      stderr: 'unreachable',
    });
  t.deepEqual(
    events.map(event => ('agent' in event ? event.agent : 'result')),
    ['a', 'result', 'b', 'result'],
  );
});

test('polling calls to one engine are compared with those to that engine only', async t => {
  const events: RunEventBody[] = [];
  const first = recorder({ append: async event => void events.push(event) }, () => 0);
  const second = first.to({ host: 'tcp://build1:2375', env: { DOCKER_HOST: 'tcp://build1:2375' } });
  for (let time = 0; time < 50; time++)
    for (const [{ call }, ok] of [
      [first, true],
      [second, false],
    ] as const)
      (await call(['ps'], null, false, true)).end({ ok, exitCode: 0, interrupted: null, stderr: '' });
  t.is(events.length, 4);
});
