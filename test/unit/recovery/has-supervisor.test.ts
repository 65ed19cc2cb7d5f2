import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { hasSupervisor } from '../../../src/recovery/has-supervisor.ts';
import { takeLock } from '../../../src/store/lock.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { folder } from '../_helpers/repositories.ts';

const runId = 'r1234567';
const labels = (instance: string, id = runId) => ({
  labels: { 'tmux-agents.instance': instance, 'tmux-agents.run-id': id },
});

test('a container has an active supervisor while the lock of its run is held', t => {
  const state = openStateDir(join(folder(t), 'state'));
  const run = state.run(runId);
  t.false(hasSupervisor(state, labels(state.instance)), 'there is no such run');
  mkdirSync(run.path, { mode: 0o700 });
  const lock = takeLock(run.lock) as Disposable;
  t.true(hasSupervisor(state, labels(state.instance)));
  lock[Symbol.dispose]();
  t.false(hasSupervisor(state, labels(state.instance)));
});

test('a container of another state directory, or without a valid run id, has none', t => {
  const state = openStateDir(join(folder(t), 'state'));
  const run = state.run(runId);
  mkdirSync(run.path, { mode: 0o700 });
  const lock = takeLock(run.lock) as Disposable;
  t.false(hasSupervisor(state, labels('f'.repeat(16))));
  for (const id of ['', '..', `../runs/${runId}`, `${runId}/`])
    t.false(hasSupervisor(state, labels(state.instance, id)), id);
  t.false(hasSupervisor(state, { labels: {} }));
  lock[Symbol.dispose]();
});
