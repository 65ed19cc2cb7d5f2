import { isLost, type Orphan } from '../../recovery/orphans.ts';
import { formatDuration } from '../../text/duration.ts';
import { oneLine } from '../../text/text.ts';

/** Return an orphan as `ps --json` prints it, with only those claims of its labels that are verified. */
export function asJson(orphan: Orphan) {
  const { container, origin } = orphan;
  const { runId, agent, attempt } = isLost(orphan) ? orphan : unverified;
  return {
    run: runId,
    agent,
    state: 'orphan',
    engine: null,
    abandoned: false,
    host: null,
    attempt,
    since: since(orphan),
    exitCode: exitCode(orphan),
    containerId: container.id,
    costUsd: null,
    orphan: {
      origin,
      name: container.name,
      state: container.state,
      why: isLost(orphan) ? null : orphan.why,
    },
  };
}

/** Return an orphan as a row of `ps`. */
export function orphanRow(orphan: Orphan, now: number): string[] {
  const { container } = orphan;
  const about = isLost(orphan) ? '' : `, ${orphan.why ?? originLabel[orphan.origin]}`;
  return [
    isLost(orphan) ? `${orphan.runId}/${orphan.agent}` : oneLine(container.name),
    `orphan${about}, ${container.state}`,
    ago(since(orphan), now),
    isLost(orphan) ? String(orphan.attempt) : '',
    String(exitCode(orphan) ?? ''),
    container.id.slice(0, 12),
  ];
}

export const ago = (at: number, now: number) => `${formatDuration(Math.max(0, now - at))} ago`;

const unverified = { runId: null, agent: null, attempt: null };
const originLabel = {
  another: 'of another state directory',
  'by hand': 'created by hand',
  malformed: 'malformed labels',
} as const;

const isOver = ({ container: { state } }: Orphan) => state === 'exited' || state === 'dead';
const exitCode = (orphan: Orphan) => (isOver(orphan) ? orphan.container.exitCode : null);

function since(orphan: Orphan): number {
  const { finishedAt, startedAt, createdAt } = orphan.container;
  return isOver(orphan) ? finishedAt : startedAt > 0 ? startedAt : createdAt;
}
