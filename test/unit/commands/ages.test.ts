import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { findRuns } from '../../../src/commands/cleanup/runs.ts';
import { ago } from '../../../src/commands/ps/orphans.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';

const hour = 3_600_000;
const now = 1_000 * hour;

test('a start that another clock puts in the future counts as now', t => {
  t.is(ago(now - hour, now), '1h ago');
  for (const ahead of [5_000, hour, 9 * hour]) t.is(ago(now + ahead, now), '0.0s ago');
});

test('a run whose last event is in the future is not old', t => {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-ages-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const state = openStateDir(join(folder, 'state'));
  const { journal } = state.run('r1234567');
  mkdirSync(dirname(journal), { recursive: true });
  const endsAt = (at: number) =>
    writeFileSync(
      journal,
      `${JSON.stringify({ v: 1, seq: 1, at, type: 'run.ended', status: 'succeeded', exitCode: 0 })}\n`,
    );
  endsAt(now - hour);
  t.is(
    findRuns(state, { olderThan: 0, force: false }, { staying: [], unreachable: [] }, now).removable.length,
    1,
  );
  endsAt(now + hour);
  t.deepEqual(findRuns(state, { olderThan: 0, force: false }, { staying: [], unreachable: [] }, now), {
    removable: [],
    skipped: [],
  });
});
