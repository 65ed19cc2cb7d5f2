import test from 'ava';
import { containerEnds } from '../../../src/docker/container-ends.ts';

const never = new AbortController().signal;
const now = () => 10;

test('every wait for a container gets its end', async t => {
  const ends = containerEnds(now);
  const waits = [ends.wait('c1', never), ends.wait('c1', never)];
  t.deepEqual(ends.awaited(), ['c1']);
  ends.died('c1', { exitCode: 7, finishedAt: 5 });
  const end = { exitCode: 7, oomKilled: false, reason: 'died', at: 10, finishedAt: 5 };
  t.deepEqual(await Promise.all(waits), [end, end]);
  t.false(ends.hasWaits());
});

test('the first end counts, also for a later wait', async t => {
  const ends = containerEnds(now);
  ends.died('c1', { exitCode: 7, finishedAt: 5 });
  ends.removed('c1');
  t.like(await ends.wait('c1', never), { exitCode: 7, reason: 'died' });
  t.false(ends.hasWaits(), 'a container that has ended is not awaited');
});

test('a removal without an end has no exit code', async t => {
  const ends = containerEnds(now);
  const wait = ends.wait('c1', never);
  ends.removed('c1');
  t.deepEqual(await wait, { exitCode: null, oomKilled: false, reason: 'removed', at: 10 });
});

test('memory that ran out marks the end, whichever source reports it', async t => {
  const ends = containerEnds(now);
  ends.outOfMemory('c1');
  ends.died('c1', { exitCode: 137, finishedAt: 5 });
  ends.died('c2', { exitCode: 137, finishedAt: 5, oomKilled: true });
  ends.outOfMemory('c3');
  ends.removed('c3');
  ends.died('c4', { exitCode: 137, finishedAt: 5, oomKilled: false });
  const marks = ['c1', 'c2', 'c3', 'c4'].map(async id => (await ends.wait(id, never)).oomKilled);
  t.deepEqual(await Promise.all(marks), [true, true, true, false]);
});

test('an aborted wait rejects, and the others stay', async t => {
  const ends = containerEnds(now);
  const stop = new AbortController();
  const aborted = ends.wait('c1', stop.signal);
  const other = ends.wait('c1', never);
  stop.abort(new Error('enough'));
  await t.throwsAsync(aborted, { message: 'enough' });
  ends.died('c1', { exitCode: 0, finishedAt: 5 });
  t.is((await other).exitCode, 0);
});
