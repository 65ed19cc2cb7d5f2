import type { Container } from '../docker/containers.ts';
import { label } from '../docker/labels.ts';
import { lockHolder } from '../store/lock.ts';
import { isRunId, type StateDir } from '../store/state-directory.ts';

/** Of a run of ours whose engine lives. Labels are input from outside: one that is no run id names no folder. */
export function hasActiveEngine(state: StateDir, { labels }: Pick<Container, 'labels'>): boolean {
  const runId = labels[label.runId] ?? '';
  if (labels[label.instance] !== state.instance || !isRunId(runId)) return false;
  return lockHolder(state.run(runId).lock) !== null;
}
