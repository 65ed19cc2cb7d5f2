import test from 'ava';
import { findEnd } from '../../../src/actors/lookup-end.ts';
import { end, fakeWatcher, id, never } from '../_helpers/actor-ports.ts';

test('the end of a container is returned as soon as the watcher has it, without a look', async t => {
  const { watcher, checks } = fakeWatcher(end);
  t.deepEqual(await findEnd({ watcher }, id, never), end);
  t.deepEqual(checks, []);
});

test('without an event Docker is asked once, and an end that stays unknown is null', async t => {
  const { watcher, checks } = fakeWatcher(null);
  t.is(await findEnd({ watcher }, id, never), null);
  t.deepEqual(checks, ['check']);
});

test('an abort ends the wait', async t => {
  const { watcher, checks } = fakeWatcher(null);
  t.is(await findEnd({ watcher }, id, AbortSignal.abort(new Error('enough'))), null);
  t.deepEqual(checks, []);
});
