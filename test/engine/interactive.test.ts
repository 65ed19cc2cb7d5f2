import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { type Cli, clis, envOf, nonce } from './clis.ts';
import { eventually, isRunning, type Place, place, small } from './flow.ts';
import { type ModelStub, modelStub } from './model-stub.ts';

const key = 'dummy-key-2k8fj3q9';
const claude = clis[0];
/** A gemini whose caller has no key. */
const loggedOut: Cli = {
  name: 'gemini',
  setup: { api: 'gemini', env: { NO_KEY_AT_ALL: '$KEY', GOOGLE_GEMINI_BASE_URL: '$URL' } },
};
/** A busy machine may stall it for a minute before it requests input. */
const longTimeouts = { run: '14m', stalled: '10m' };

/** INTERACTIVE_RUNS=20 runs as many; each starts a Claude Code of its own. */
const runs = Number(process.env.INTERACTIVE_RUNS ?? 2);

/** Start a run of one interactive AI CLI, `a`. */
function begin(
  here: Place,
  stub: ModelStub,
  { cli, ...more }: { cli: Cli; prompt: string; [key: string]: unknown },
) {
  const a = {
    provider: cli.name,
    interactive: true,
    workspace: 'workspace',
    network: { name: stub.network },
    ...small,
    memory: '2g',
    timeouts: { run: '14m' },
    ...more,
  };
  const env = { ...here.env, ...envOf(cli, stub, { key }) };
  return here.start(['run', here.write({ agents: { a } }), '--json'], { env });
}

const states = (here: Place) =>
  here.journal().flatMap(event => (event.type === 'agent.state' ? [event] : []));

const twice = Array.from({ length: runs }, (_, run) => ({ cli: claude, run: run + 1 }));
for (const { cli, run } of [...twice, ...clis.slice(1).map(cli => ({ cli, run: 1 }))])
  test.serial(
    `an interactive ${cli.name} takes its prompt once, a second turn by send, and ends with it (run ${run})`,
    async t => {
      const here = place(t);
      const stub = await modelStub(t);
      // Long enough for a second message to arrive during the first turn.
      stub.setMode('slow seconds=10');
      const [first, second] = [nonce(), nonce()];
      const prompt = `Do this, please:\n\nWrite ${first} into the file answer.txt.\nIt's "important"; $(thanks);`;
      const ended = begin(here, stub, { cli, prompt });
      const prompts = (nonce: string) =>
        stub.seen().filter(entry => entry.event === 'prompt' && entry.nonce === nonce).length;
      await eventually(isRunning(here, 'a'), 'the agent');
      await eventually(() => prompts(first) > 0, 'the first prompt');
      const sent = await here.agentFlow(['send', 'a', `Write ${second} into the file second.txt.`]);
      t.is(sent.exitCode, 0, sent.stderr);
      stub.setMode('ok');

      const { exitCode, stdout, stderr } = await ended;
      t.is(exitCode, 0, `${String(stderr)}\n${here.transcript('a')}`);
      const { attempts, screen } = JSON.parse(String(stdout)).agents.a;
      t.is(attempts.length, 1);
      t.true(screen.includes(second), screen);
      t.is(readFileSync(join(here.workspace, 'answer.txt'), 'utf8').trim(), first);
      t.is(readFileSync(join(here.workspace, 'second.txt'), 'utf8').trim(), second);
      t.deepEqual([prompts(first), prompts(second)], [1, 1], JSON.stringify(stub.seen()));
      t.deepEqual(await here.containers(), []);
    },
  );

test.serial(
  'an interactive gemini that took the Enter after a message as part of it gets another',
  async t => {
    const here = place(t);
    const stub = await modelStub(t);
    stub.setMode('slow seconds=10');
    const [first, second] = [nonce(), nonce()];
    const ended = begin(here, stub, { cli: clis[2], prompt: `Write ${first} into the file answer.txt.` });
    await eventually(isRunning(here, 'a'), 'the agent');
    await eventually(() => stub.seen().some(({ event }) => event === 'prompt'), 'the first prompt');
    // The same as `send`, without its last key.
    const [id] = await here.containers();
    await execa('docker', ['exec', id!, 'agent-turn', 'sent'], { timeout: 30_000 });
    const sent = await here.agentFlow([
      'send',
      '--no-enter',
      'a',
      `Write ${second} into the file second.txt.`,
    ]);
    t.is(sent.exitCode, 0, sent.stderr);
    stub.setMode('ok');
    const { exitCode, stderr } = await ended;
    t.is(exitCode, 0, `${String(stderr)}\n${here.transcript('a')}`);
    t.is(readFileSync(join(here.workspace, 'second.txt'), 'utf8').trim(), second);
  },
);

test.serial('a person may watch an interactive claude while it works', async t => {
  const here = place(t);
  const stub = await modelStub(t);
  stub.setMode('slow seconds=20');
  const ended = begin(here, stub, { cli: claude, prompt: 'Write NONCE-abc123 into the file answer.txt' });
  await eventually(isRunning(here, 'a'), 'the agent');
  await eventually(() => stub.seen().some(({ event }) => event === 'prompt'), 'the prompt');
  const [id] = await here.containers();
  const { stdout } = await execa('docker', ['exec', id!, 'tmux', 'capture-pane', '-p', '-t', '=agent:'], {
    timeout: 30_000,
  });
  t.regex(stdout, /Write NONCE-abc123 into the file answer\.txt/);
  t.regex(stdout, /bypass permissions on/);
  const stopped = await here.agentFlow(['stop', 'a']);
  t.is(stopped.exitCode, 0, stopped.stderr);
  t.is((await ended).exitCode, 1);
  t.false(existsSync(join(here.workspace, 'second.txt')));
});

test.serial(
  'an interactive claude that ends when a file exists does not end with a turn, and takes another',
  async t => {
    const here = place(t);
    const stub = await modelStub(t);
    const ended = begin(here, stub, {
      cli: claude,
      prompt: 'Write NONCE-abc123 into the file answer.txt',
      done: { file: 'second.txt' },
      // Longer than a busy machine stalls a CLI in the middle of its turn.
      timeouts: { run: '14m', stalled: '2m' },
    });
    await eventually(() => states(here).some(({ state }) => state === 'running.idle'), 'an idle agent');
    // Long enough for a busy machine to see that it is working again.
    stub.setMode('slow seconds=5');
    const sent = await here.agentFlow(['send', 'a', 'Write NONCE-abc456 into the file second.txt']);
    t.is(sent.exitCode, 0, sent.stderr);
    const { exitCode, stderr } = await ended;
    t.is(exitCode, 0, `${String(stderr)}\n${here.transcript('a')}`);
    const running = states(here).filter(({ state }) => state.startsWith('running.'));
    t.deepEqual(running.map(({ state }) => state).slice(0, 3), [
      'running.working',
      'running.idle',
      'running.working',
    ]);
  },
);

test.serial(
  'a gemini that asks for a login fails without a person to reply, and shows its screen',
  async t => {
    const here = place(t);
    const stub = await modelStub(t);
    const a = { cli: loggedOut, prompt: 'Go', needsInput: 'fail', timeouts: longTimeouts };
    const { exitCode, stdout, stderr } = await begin(here, stub, a);
    t.is(exitCode, 1, String(stderr));
    const { error, screen } = JSON.parse(String(stdout)).agents.a;
    t.like(error, { kind: 'needsInput', message: 'Gemini CLI asks for a login' }, here.transcript('a'));
    t.regex(screen, /How would you like to authenticate/);
    t.regex(String(stderr), /│ .*How would you like to authenticate/);
  },
);

test.serial(
  'a login prompt is reported to the user who runs it and again to the one who resumes it',
  async t => {
    const here = place(t);
    const stub = await modelStub(t);
    const a = { cli: loggedOut, prompt: 'Go', timeouts: longTimeouts };
    const engine = begin(here, stub, a);
    const inputRequests = () => states(here).filter(({ state }) => state === 'running.needsInput');
    await eventually(() => inputRequests().length > 0, 'the question');
    t.is(inputRequests()[0]!.cause, 'asks for a login');
    engine.kill('SIGKILL');
    await engine;
    const other = here.start(['resume'], { env: here.env });
    await eventually(() => inputRequests().length > 1, 'the question, again');
    t.is((await here.agentFlow(['stop', 'a'])).exitCode, 0);
    const { stderr } = await other;
    t.regex(String(stderr), /needs input: it asks for a login; agent-flow attach r\w+\/a/);
  },
);
