import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { eventually, fakeDocker, isRunning, type Place, place, small } from './flow.ts';

const agent = (command: string, more: object = {}) => ({
  command: ['sh', '-c', command],
  workspace: 'workspace',
  ...small,
  ...more,
});

/** Returns as soon as the agent runs. */
async function running(here: Place, command: string, more: object = {}) {
  const run = here.start(['run', here.write({ agents: { worker: agent(command, more) } }), '--json']);
  await eventually(isRunning(here, 'worker'), 'a running agent');
  // An object, because the run is a promise of its end.
  return { run };
}

const file = (here: Place, name: string) => join(here.workspace, name);
const content = (here: Place, name: string) =>
  existsSync(file(here, name)) ? readFileSync(file(here, name), 'latin1') : '';
/** Whether the agent is ready to read. */
const isReady = (here: Place) => eventually(() => existsSync(file(here, 'ready')), 'an agent that reads');

test('send delivers text line by line, and Enter after it', async t => {
  const here = place(t);
  const { run } = await running(
    here,
    'touch ready; read one; read two; read three; printf "%s|%s|%s\\n" "$one" "$two" "$three" >answer',
  );
  await isReady(here);
  const sent = await here.agentFlow([
    'send',
    'worker',
    'größer',
    '1e3\nzwei "quoted" $HOME `id` #{pid}',
    '--json',
  ]);
  t.is(sent.exitCode, 0, sent.stderr);
  t.deepEqual(sent.json, {
    agent: 'worker',
    runId: here.runId(),
    attempt: 1,
    bytes: Buffer.byteLength('größer 1e3\nzwei "quoted" $HOME `id` #{pid}'),
  });
  t.is((await here.agentFlow(['send', `${here.runId()}/worker`, '--', '--three', '-'])).exitCode, 0);
  t.is((await run).exitCode, 0);
  t.is(
    Buffer.from(content(here, 'answer'), 'latin1').toString(),
    'größer 1e3|zwei "quoted" $HOME `id` #{pid}|--three -\n',
  );

  const over = await here.agentFlow(['send', 'worker', 'hello']);
  t.is(over.exitCode, 2);
  t.regex(over.stderr, /^agent-flow: \S+ has already finished \(succeeded\)\. Nothing was sent$/m);
});

test('an application with bracketed paste gets one that no text can leave, and Enter separately', async t => {
  const here = place(t);
  const { run } = await running(here, "stty raw -echo; printf '\\033[?2004h'; touch ready; cat >keys");
  await isReady(here);
  const hostile = 'one\r\n\ttwo\x1b[201~\x03three\x9b201~';
  const sent = await here.agentFlow(['send', 'worker', hostile]);
  t.is(sent.exitCode, 0, sent.stderr);
  t.regex(sent.stderr, /dropped 3 control characters/);
  const expected = '\x1b[200~one\r\ttwo[201~three201~\x1b[201~\r';
  await eventually(() => content(here, 'keys').length >= expected.length, 'all keys');
  t.is(content(here, 'keys'), expected);

  const more = await here.agentFlow(['send', '--no-enter', 'worker', '-'], {
    stdin: 'pipe',
    input: 'last\n\n',
  });
  t.is(more.exitCode, 0, more.stderr);
  t.is((await here.agentFlow(['send', 'worker', ''])).exitCode, 0);
  const all = `${expected}\x1b[200~last\r\x1b[201~\r`;
  await eventually(() => content(here, 'keys').length >= all.length, 'the Enter');
  t.is(content(here, 'keys'), all);
  run.kill('SIGINT');
  await run;
});

test('send delivers a hundred kilobytes completely, also while a person scrolls in copy-mode', async t => {
  const here = place(t);
  const { run } = await running(
    here,
    'stty raw -echo; touch ready; head -c 100001 >keys; touch done; sleep 300',
  );
  await isReady(here);
  const [id] = await here.containers();
  await execa('docker', ['exec', id!, 'tmux', 'copy-mode', '-t', '=agent:']);
  const text = `${'äöü0123456789\n'.repeat(5883)}12345`.slice(0);
  const bytes = Buffer.from(text);
  const whole = bytes.subarray(0, 100_000);
  writeFileSync(file(here, 'text'), `${whole.toString()}\n`);
  const sent = await here.agentFlow(['send', 'worker', '-', '--json'], {
    stdin: 'pipe',
    input: readFileSync(file(here, 'text')),
  });
  t.is(sent.exitCode, 0, sent.stderr);
  t.is(sent.json.bytes, 100_000);
  await eventually(() => existsSync(file(here, 'done')), 'all that was sent');
  t.is(
    Buffer.from(content(here, 'keys'), 'latin1').toString(),
    `${whole.toString().replaceAll('\n', '\r')}\r`,
  );
  t.regex((await execa('docker', ['exec', id!, 'tmux', 'list-buffers'], { reject: false })).stdout, /^$/);
  run.kill('SIGINT');
  await run;
});

test('send to a missing, waiting or finished agent fails with one line', async t => {
  const here = place(t);
  const { run } = await running(here, 'cat >keys', { keep: 'always' });
  const [id] = await here.containers();
  const refused = async (args: string[], options = {}) => {
    const { exitCode, stderr, stdout } = await here.agentFlow(['send', ...args], options);
    t.is(exitCode, 2, stderr);
    t.is(stdout, '');
    t.is(stderr.trim().split('\n').length, 1, stderr);
    return stderr;
  };
  t.regex(await refused(['wroker', 'hello']), new RegExp(`Found: ${here.runId()}/worker`));
  t.regex(await refused(['worker']), /missing text/);
  t.regex(await refused(['worker', '--no-entre', 'hello']), /unknown option --no-entre/);
  t.regex(await refused(['worker', '--no-enter', '']), /nothing to send/);
  t.regex(
    await refused(['worker', '-'], { input: Buffer.from([0x68, 0xff]), stdin: 'pipe' }),
    /not valid UTF-8/,
  );
  t.regex(
    await refused(['worker', '-'], { input: 'x'.repeat(2 ** 20 + 1), stdin: 'pipe' }),
    /the maximum is 1048576/,
  );

  const away = fakeDocker(here, {
    exec: 'echo "Cannot connect to the Docker daemon at x. Is it running?" >&2; exit 1',
  });
  const unreachable = await here.agentFlow(['send', 'worker', 'hello'], { env: away });
  t.is(unreachable.exitCode, 3, unreachable.stderr);
  t.regex(unreachable.stderr, /could not send text to \S+worker: Cannot connect/);

  await execa('docker', ['stop', '--time=0', id!]);
  await run;
  t.regex(await refused(['worker', 'hello']), /has already finished \(failed\)/);
  t.is((await here.containers()).length, 1);
  t.is(content(here, 'keys'), '');
});

test('send to an agent that is not running yet fails', async t => {
  const here = place(t);
  const env = fakeDocker(here, { start: 'sleep 300' });
  const run = here.start(
    [
      'run',
      here.write({ agents: { first: agent('true'), second: agent('true', { dependsOn: ['first'] }) } }),
    ],
    { env },
  );
  await eventually(
    () => here.journal().some(event => event.type === 'agent.state' && event.state === 'starting'),
    'an agent that starts',
  );
  for (const [name, doing] of [
    ['first', 'starting'],
    ['second', 'waiting'],
  ] as const) {
    const { exitCode, stderr } = await here.agentFlow(['send', name, 'hello']);
    t.is(exitCode, 2);
    t.regex(stderr, new RegExp(`${name} cannot receive text: it is ${doing}`));
  }
  run.kill('SIGINT');
  await run;
});
