import type { AgentPlan } from '../spec/plan.ts';

type HostLost = Pick<AgentPlan, 'onHostLost' | 'hostGrace'>;

/**
 * Milliseconds in which a container has ended its agent after its lease ran out, also if the engine's machine was suspended:
 * agent-init looks every 15 s, and kills after 2 s.
 */
export const leaseMargin = 30_000;

/** Return the seconds after which a container ends its agent if no supervisor renews its lease; null without one. */
export const leaseSeconds = ({ onHostLost, hostGrace }: HostLost): number | null =>
  onHostLost === 'retry' && hostGrace !== undefined ? Math.floor((hostGrace - leaseMargin) / 1000) : null;

/** Return the plan's part of a container with a lease. */
export const withLease = (seconds: number): HostLost => ({
  onHostLost: 'retry',
  hostGrace: seconds * 1000 + leaseMargin,
});
