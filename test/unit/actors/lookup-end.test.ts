import test from 'ava';
import { findEnd } from '../../../src/actors/lookup-end.ts';
import { end, fakeWatcher, id, never } from '../_helpers/actor-ports.ts';

test('a known end is returned at once, without a query', async t => {
  const { watcher, checks } = fakeWatcher(end);
  t.deepEqual(await findEnd({ watcher }, id, never), end);
  t.deepEqual(checks, []);
});

test('without an event, Docker is queried once, and an unknown end is null', async t => {
  const { watcher, checks } = fakeWatcher(null);
  t.is(await findEnd({ watcher }, id, never), null);
  t.deepEqual(checks, ['check']);
});

test('an abort ends the wait', async t => {
  const { watcher, checks } = fakeWatcher(null);
  t.is(await findEnd({ watcher }, id, AbortSignal.abort(new Error('enough'))), null);
  t.deepEqual(checks, []);
});
