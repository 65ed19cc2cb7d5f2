import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { resumeRun } from '../../../src/run/resume-run.ts';
import { RunTakenError } from '../../../src/run/run-lock.ts';
import { openJournal } from '../../../src/store/journal.ts';
import { lockHolder, takeLock } from '../../../src/store/lock.ts';
import { writeRunFile } from '../../../src/store/run-file.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import { folder } from '../_helpers/repositories.ts';

function desk(t: ExecutionContext) {
  const stateDir = openStateDir(join(folder(t), 'state'));
  const run = stateDir.run('r1234567');
  mkdirSync(run.path, { mode: 0o700 });
  const engine = { id: 'ABCD', hostName: null, address: { host: '', env: {} } };
  writeRunFile(run, {
    plan: { name: 'f', concurrency: null, agents: [defaultPlan] },
    secret: '5'.repeat(32),
    hosts: [{ names: [null], engine }],
  });
  return { run, resume: () => resumeRun(run, { stateDir }) };
}

test('a run that has ended is not resumed, and its lock is released', async t => {
  const { run, resume } = desk(t);
  const journal = openJournal(run.journal, () => 1);
  await journal.append({ type: 'run.ended', status: 'failed', exitCode: 1 });
  journal[Symbol.dispose]();
  await t.throwsAsync(resume(), { instanceOf: RunTakenError, message: 'r1234567 is over: it has failed' });
  t.is(lockHolder(run.lock), null);
});

test('a run with a supervisor is not resumed, and its lock stays', async t => {
  const { run, resume } = desk(t);
  const lock = takeLock(run.lock) as Disposable;
  await t.throwsAsync(resume(), { instanceOf: RunTakenError, message: /already being executed by/ });
  t.not(lockHolder(run.lock), null);
  lock[Symbol.dispose]();
});

test('a run whose record is not valid is not resumed, and its lock is released', async t => {
  const { run, resume } = desk(t);
  writeFileSync(run.runFile, '{}');
  const error = await t.throwsAsync(resume());
  t.false(error instanceof RunTakenError);
  t.is(lockHolder(run.lock), null);
});
