import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { eventually, isRunning, type Place, place, small } from './flow.ts';
import { type ModelStub, modelStub } from './model-stub.ts';

const key = 'dummy-key-2k8fj3q9';

/** INTERACTIVE_RUNS=20 for as many; each starts a Claude Code of its own. */
const runs = Number(process.env.INTERACTIVE_RUNS ?? 2);

const random = () => `NONCE-${Math.random().toString(36).slice(2, 12)}`;

/** Starts a run of one interactive claude, `a`. */
function begin(here: Place, stub: ModelStub, prompt: string) {
  const a = {
    provider: 'claude',
    interactive: true,
    prompt,
    workspace: 'workspace',
    network: { name: stub.network },
    ...small,
    memory: '2g',
    timeouts: { run: '5m' },
  };
  const env = { ...here.env, ANTHROPIC_API_KEY: key, ANTHROPIC_BASE_URL: stub.url };
  return here.start(['run', here.write({ agents: { a } }), '--json'], { env });
}

for (let run = 1; run <= runs; run++)
  test.serial(
    `an interactive claude takes its prompt once, a second turn by send, and ends with that (run ${run})`,
    async t => {
      const here = place(t);
      const stub = await modelStub(t);
      // Long enough for a second message to come while the first turn lasts.
      stub.answers('slow seconds=10');
      const [first, second] = [random(), random()];
      const prompt = `Do this, please:\n\nWrite ${first} into the file answer.txt.\nIt's "important"; $(thanks);`;
      const ended = begin(here, stub, prompt);
      const prompts = (nonce: string) =>
        stub.seen().filter(entry => entry.event === 'prompt' && entry.nonce === nonce).length;
      await eventually(isRunning(here, 'a'), 'the agent');
      await eventually(() => prompts(first) > 0, 'the first prompt');
      const sent = await here.agentFlow(['send', 'a', `Write ${second} into the file second.txt.`]);
      t.is(sent.exitCode, 0, sent.stderr);
      stub.answers('ok');

      const { exitCode, stdout, stderr } = await ended;
      t.is(exitCode, 0, `${String(stderr)}\n${here.transcript('a')}`);
      t.is(JSON.parse(String(stdout)).agents.a.attempts.length, 1);
      t.is(readFileSync(join(here.workspace, 'answer.txt'), 'utf8').trim(), first);
      t.is(readFileSync(join(here.workspace, 'second.txt'), 'utf8').trim(), second);
      t.deepEqual([prompts(first), prompts(second)], [1, 1], JSON.stringify(stub.seen()));
      t.deepEqual(await here.containers(), []);
    },
  );

test.serial('a person may look at an interactive claude while it works', async t => {
  const here = place(t);
  const stub = await modelStub(t);
  stub.answers('slow seconds=20');
  const ended = begin(here, stub, 'Write NONCE-abc123 into the file answer.txt');
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
