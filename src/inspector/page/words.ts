import type { Mark } from '../../graph/drawing.ts';
import type { AgentState } from '../../state/flow-state.ts';
import { stateLabel, statusLabel } from '../../state/state-label.ts';

/** What people read for how an agent stands. */
export const agentLabel = ({ status, state }: AgentState): string =>
  status === null ? (stateLabel(state) ?? state) : statusLabel[status];

export const markOf = ({ status, state }: AgentState): Mark =>
  status ?? (state === 'waiting' ? 'waiting' : 'running');

/** How long it has lived at a moment, in milliseconds; null where it has not begun. */
export const lifetime = ({ startedAt, endedAt }: AgentState, now: number): number | null =>
  startedAt === null ? null : Math.max(0, (endedAt ?? now) - startedAt);

/** `+4.2 s`: since the run began. */
export const sinceStart = (ms: number): string => `+${(Math.max(0, ms) / 1000).toFixed(1)} s`;
