import type { RunEvent } from '../events.ts';

type AskedApproval = NonNullable<Extract<RunEvent, { type: 'run.started' }>['agents'][number]['approve']>;
type Requested = Extract<RunEvent, { type: 'approval.requested' }>;
type Decided = Extract<RunEvent, { type: 'approval.decided' }>;
/** A decision; `at` is in milliseconds since the epoch. */
type DecidedApproval = Pick<Decided, 'decision' | 'source' | 'by' | 'reason' | 'at'>;

/** An approval: what it asks, when its default applies, and the decision. */
export interface ApprovalState extends Pick<AskedApproval, 'prompt' | 'onTimeout'> {
  /** Milliseconds since the epoch; null before it waits. */
  readonly until: number | null;
  /** null before the decision. */
  readonly decided: DecidedApproval | null;
}

export const newApproval = ({ prompt, onTimeout }: AskedApproval): ApprovalState => ({
  ...{ prompt, onTimeout },
  until: null,
  decided: null,
});

/** Record when an approval ends, or its decision, in an agent. The first ones count. */
export function noteApproval<Agent extends { readonly approval?: ApprovalState }>(
  agent: Agent,
  event: Requested | Decided,
): Agent {
  const { approval } = agent;
  if (approval === undefined) return agent;
  const noted =
    event.type === 'approval.requested'
      ? { until: approval.until ?? event.until }
      : { decided: approval.decided ?? decidedBy(event) };
  return { ...agent, approval: { ...approval, ...noted } };
}

const decidedBy = ({ decision, source, by, reason, at }: Decided): DecidedApproval => ({
  ...{ decision, source, by, reason, at },
});
