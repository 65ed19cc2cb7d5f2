import type { Container } from '../docker/containers.ts';
import { label } from '../docker/labels.ts';
import { lockHolder } from '../store/lock.ts';
import { isRunId, type StateDir } from '../store/state-directory.ts';

/** Return whether the container's run has a live supervisor. Labels are untrusted: only a valid run id names a folder (I8). */
export function hasSupervisor(state: StateDir, { labels }: Pick<Container, 'labels'>): boolean {
  const runId = labels[label.runId] ?? '';
  if (labels[label.instance] !== state.instance || !isRunId(runId)) return false;
  return lockHolder(state.run(runId).lock) !== null;
}
