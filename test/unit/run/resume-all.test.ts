import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { daemonLock, resumer } from '../../../src/run/resume-all.ts';
import { openJournal } from '../../../src/store/journal.ts';
import { takeLock } from '../../../src/store/lock.ts';
import { ownIdentity } from '../../../src/store/lock-holder.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { never } from '../_helpers/actor-ports.ts';
import { folder } from '../_helpers/repositories.ts';
import { runStarted } from '../_helpers/story.ts';

/** A state directory with a run, and a supervisor of it. The run has no valid record, so that it is never resumed. */
async function desk(t: ExecutionContext, { isOver = false, signal = never } = {}) {
  const stateDir = openStateDir(join(folder(t), 'state'));
  const run = stateDir.run('r1234567');
  mkdirSync(run.path, { mode: 0o700 });
  const journal = openJournal(run.journal, () => 1);
  await journal.append(runStarted(run.runId, {}));
  if (isOver) await journal.append({ type: 'run.ended', status: 'succeeded', exitCode: 0 });
  journal[Symbol.dispose]();
  writeFileSync(run.runFile, '{}', { mode: 0o600 });
  const lines: string[] = [];
  let time = 0;
  const { poll, idle } = resumer({ stateDir, log: line => lines.push(line), signal, now: () => time });
  const pass = (ms: number) => {
    time += ms;
  };
  return { stateDir, run, lines, poll, idle, pass };
}

test('a run that has ended is not resumed', async t => {
  const { poll, idle, lines } = await desk(t, { isOver: true });
  await poll();
  t.deepEqual(lines, []);
  t.is(await idle(), 0);
});

test('a run with a supervisor is left to it', async t => {
  const { poll, lines, run } = await desk(t);
  const lock = takeLock(run.lock) as Disposable;
  t.teardown(() => lock[Symbol.dispose]());
  await poll();
  t.deepEqual(lines, []);
});

test('a run whose supervisor is in doubt is logged once, and not resumed', async t => {
  const { poll, lines, run } = await desk(t);
  writeFileSync(`${run.lock}.1`, JSON.stringify({ ...ownIdentity(), namespace: 'pid:[1]' }));
  await poll();
  await poll();
  t.is(lines.length, 1);
  t.regex(lines[0]!, /^r1234567 is already being executed by /);
});

test('a run that cannot be resumed is logged once, and tried again after a pause', async t => {
  const { poll, idle, lines, pass, run } = await desk(t);
  await poll();
  t.is(lines.length, 1);
  t.regex(lines[0]!, /^r1234567 could not be resumed: /);
  t.is(await idle(), 2);
  // Another reason, which the next try logs.
  writeFileSync(run.runFile, 'not JSON', { mode: 0o600 });
  await poll();
  t.is(lines.length, 1);
  pass(5_000);
  await poll();
  t.is(lines.length, 2);
});

test('an aborted supervisor resumes no run', async t => {
  const { poll, lines } = await desk(t, { signal: AbortSignal.abort() });
  await poll();
  t.deepEqual(lines, []);
});

test('the daemon has one lock in the state directory', async t => {
  const { stateDir } = await desk(t);
  t.is(daemonLock(stateDir), join(stateDir.path, 'daemon.lock'));
});
