import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { LockTimeoutError } from '../../../src/agent-cli/lock.ts';
import { ownProcess } from '../../../src/agent-cli/process-identity.ts';
import { staysSettled } from '../../../src/agent-cli/settle.ts';
import { stateIn } from '../../../src/agent-cli/state.ts';
import { turnFailure } from '../../../src/agent-cli/turn-failure.ts';
import { turnsIn } from '../../../src/agent-cli/turns.ts';

function place(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-turns-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const done: number[] = [];
  const state = stateIn(folder);
  return { folder, state, done, turns: turnsIn(state, code => done.push(code)) };
}

test('a turn that ends without a prompt in flight ends the work', t => {
  const { turns, state, done } = place(t);
  turns.begin();
  t.true(state.has('in-turn'));
  t.true(turns.send());
  turns.accept();
  t.false(turns.end(false));
  turns.finish();
  t.deepEqual(done, [0]);
});

test('a turn that ends with a prompt in flight does not end the work', t => {
  const { turns, done } = place(t);
  turns.send();
  turns.accept();
  turns.send();
  turns.end(false);
  turns.finish();
  t.deepEqual(done, []);
  turns.accept();
  turns.end(false);
  turns.finish();
  t.deepEqual(done, [0]);
});

test('a prompt that is accepted during a turn gets a turn of its own if the CLI queues prompts', t => {
  const { turns } = place(t);
  for (let i = 0; i < 2; i++) {
    turns.send();
    turns.accept();
  }
  t.true(turns.end(true));
  t.false(turns.end(true));
});

test('with keep-running, the end of a turn does not end the work', t => {
  const { turns, state, done } = place(t);
  state.set('keep-running');
  turns.begin();
  turns.finish();
  t.deepEqual(done, []);
  t.false(state.has('in-turn'));
});

test('an answer to a dialog does not begin a turn, and nothing is sent once the work is done', t => {
  const { turns, state } = place(t);
  state.set('waiting-for-answer');
  t.true(turns.send());
  t.is(state.counted('sent'), 0);
  state.clear('waiting-for-answer');
  state.set('exit');
  t.false(turns.send());
  t.is(state.counted('sent'), 0);
});

test('without the lock, nothing is sent and the work does not end', t => {
  const { state, done } = place(t);
  const turns = turnsIn(state, code => done.push(code), 50);
  symlinkSync(`${ownProcess()}.other`, state.lockFile);
  t.throws(() => turns.send(), { instanceOf: LockTimeoutError });
  t.throws(() => turns.finish(), { instanceOf: LockTimeoutError });
  t.deepEqual([state.counted('sent'), done], [0, []]);
});

test('a CLI has settled if no other turn ends and its transcript gets no message', async t => {
  const { folder, state } = place(t);
  const transcript = join(folder, 'transcript.jsonl');
  writeFileSync(transcript, '{"type":"user"}\n');
  const after = (polls: number, change: () => void) => {
    let slept = 0;
    return async () => void (++slept === polls && change());
  };
  const append = (line: string) => writeFileSync(transcript, `${line}\n`, { flag: 'a' });
  t.true(await staysSettled(state, transcript, async () => {}));
  t.true(
    await staysSettled(
      state,
      transcript,
      after(3, () => append('{"type":"summary"}')),
    ),
  );
  t.false(
    await staysSettled(
      state,
      transcript,
      after(3, () => append('{"type":"assistant"}')),
    ),
  );
  t.false(
    await staysSettled(
      state,
      transcript,
      after(100, () => state.count('ended')),
    ),
  );
  t.true(await staysSettled(state, join(folder, 'missing'), async () => {}));
});

test('a failed turn is classified by its error as quota or authentication, or not at all', t => {
  const now = new Date(2026, 10, 25, 13, 30).getTime();
  t.deepEqual(turnFailure({ error: 'rate_limit', last_assistant_message: 'Please retry in 20s.' }, now), {
    kind: 'quota',
    message: 'Please retry in 20s.',
    resetsAt: now + 20_000,
  });
  t.deepEqual(turnFailure({ error: 'authentication_failed' }, now), {
    kind: 'authentication',
    message: 'authentication_failed',
    resetsAt: null,
  });
  for (const hook of [{}, { error: 'server_error' }, { error: 7, last_assistant_message: [] }])
    t.is(turnFailure(hook, now), null);
});
