import type { End } from '../../machines/outcome.ts';
import type { ContainerState } from '../docker/containers.ts';
import type { AgentRecord } from './record.ts';

/** A container with the labels or the name of an agent, as Docker reports it. */
export interface ContainerFact {
  readonly id: string;
  /** Its instance id, run, agent and name are ours beyond doubt. */
  readonly ours: boolean;
  readonly attempt: number;
  readonly specHash: string;
  readonly state: ContainerState;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Milliseconds since the epoch by the engine's clock; negative if it never happened. */
  readonly startedAt: number;
  readonly finishedAt: number;
}

export const isOver = ({ state }: ContainerFact) => state === 'exited' || state === 'dead';

export const endOf = ({ exitCode, oomKilled, finishedAt }: ContainerFact, now: number): End => ({
  exitCode,
  oomKilled,
  reason: 'died',
  at: now,
  finishedAt,
});

/** Order two containers of one attempt: the one that the journal names first, then the one that got furthest. */
export function mostAdvancedFirst(record: Pick<AgentRecord, 'containerId'>) {
  const rank = (fact: ContainerFact) =>
    (fact.id === record.containerId ? 2 : 0) + (fact.startedAt > 0 ? 1 : 0);
  return (a: ContainerFact, b: ContainerFact) => rank(b) - rank(a) || (a.id < b.id ? -1 : 1);
}
