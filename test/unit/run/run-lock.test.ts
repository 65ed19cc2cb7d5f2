import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { UsageError } from '../../../src/errors.ts';
import { lostLock } from '../../../src/run/halt-errors.ts';
import { lockRun, RunTakenError } from '../../../src/run/run-lock.ts';
import { ownIdentity } from '../../../src/store/lock-holder.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { folder } from '../_helpers/repositories.ts';

function runFolder(t: Parameters<typeof folder>[0]) {
  const run = openStateDir(join(folder(t), 'state')).run('r1234567');
  mkdirSync(run.path, { mode: 0o700 });
  return run;
}

test('a run is locked by one supervisor at a time', t => {
  const run = runFolder(t);
  const lock = lockRun(run);
  const error = t.throws(() => lockRun(run), { instanceOf: RunTakenError });
  t.true(error instanceof UsageError);
  t.regex(error!.message, new RegExp(`^run r1234567 is already being executed by .*${process.pid}`));
  lock[Symbol.dispose]();
  t.notThrows(() => lockRun(run)[Symbol.dispose]());
});

test('a lock whose holder is in doubt is taken with force only', t => {
  const run = runFolder(t);
  writeFileSync(`${run.lock}.1`, JSON.stringify({ ...ownIdentity(), namespace: 'pid:[1]' }));
  t.throws(() => lockRun(run), { instanceOf: RunTakenError });
  t.notThrows(() => lockRun(run, true)[Symbol.dispose]());
});

test('a lost lock is explained by what is in its place', t => {
  const run = runFolder(t);
  t.regex(lostLock(run).message, /^the lock of r1234567 was removed\. .*agent-flow resume r1234567$/);
  const lock = lockRun(run);
  t.regex(lostLock(run).message, /^r1234567 was taken over by .*\. Its agents live on$/);
  lock[Symbol.dispose]();
  t.regex(lostLock({ ...run, path: join(run.path, 'gone') }).message, /was removed while its agents run/);
});
