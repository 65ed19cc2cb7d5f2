import type { Mark } from '../../graph/drawing.ts';
import type { AgentState } from '../../state/flow-state.ts';
import { stateLabel, statusLabel } from '../../state/state-label.ts';

/** Return the label of an agent's state or status. */
export const agentLabel = ({ status, state }: AgentState): string =>
  status === null ? (stateLabel(state) ?? state) : statusLabel[status];

export const markOf = ({ status, state }: AgentState): Mark =>
  status ?? (state === 'waiting' ? 'waiting' : 'running');

/** Return the milliseconds since an agent's start, or until its end; null before its start. */
export const lifetime = ({ startedAt, endedAt }: AgentState, now: number): number | null =>
  startedAt === null ? null : Math.max(0, (endedAt ?? now) - startedAt);

/** Format the time since the start of the run: `+4.2 s`. */
export const sinceStart = (ms: number): string => `+${(Math.max(0, ms) / 1000).toFixed(1)} s`;
