import type { StepInput } from '../../machines/agent-types.ts';
import { leaseMargin, leaseSeconds } from '../agent-container/lease.ts';
import type { DockerResult } from '../docker/cli.ts';
import { type ActorContext, owner } from './context.ts';

type LeasePorts = Pick<ActorContext, 'clock' | 'docker' | 'plan'>;

/** The leases of agents that end themselves when this process can no longer reach them. Times are of `clock.elapsed()`. */
export interface Leases {
  /** Note that the container runs: its lease has begun by now. */
  begin(context: LeasePorts, input: StepInput): void;
  /** Renew the lease until the signal fires. Resolves at once for an agent without one. Never rejects. */
  renew(context: LeasePorts, input: StepInput, signal: AbortSignal): Promise<void>;
  /**
   * Return the latest time at which the agent can be alive if nothing more renews its lease: every renewal that was ever
   * issued counts, whether or not it was answered. null without a lease, and before its container was known to run.
   */
  leaseEndsAt(input: StepInput): number | null;
  forget(input: StepInput): void;
}

interface Lease {
  readonly seconds: number;
  /** When it was last extended by its whole length, as far as this process can know. */
  issuedAt: number;
  /** When the uptime of the engine's machine was zero, at the latest; null while unknown. */
  bootedAt: number | null;
}

/** Milliseconds. */
const shortLeaseIntervalMs = 30_000;
const callTimeoutMs = 5_000;

/**
 * Milliseconds between renewals: three in a short lease, and no more than ten in a long one, since each is a docker process.
 * One that has failed is repeated sooner.
 */
function intervalOf(leaseMs: number, hasFailed: boolean): number {
  const interval = Math.min(shortLeaseIntervalMs, leaseMs / 3);
  return hasFailed ? interval : Math.max(interval, leaseMs / 10);
}

export function agentLeases(): Leases {
  const leases = new Map<string, Lease>();
  const begin = ({ clock, plan }: LeasePorts, { name, containerId }: StepInput) => {
    const seconds = leaseSeconds(plan(name));
    if (seconds === null) return null;
    // An earlier process is gone, and has issued no renewal for more than the whole lease from now on.
    const lease = leases.get(containerId!) ?? { seconds, issuedAt: clock.elapsed(), bootedAt: null };
    leases.set(containerId!, lease);
    return lease;
  };
  return {
    begin,
    async renew(context, input, signal) {
      const lease = begin(context, input);
      if (lease === null) return;
      while (!signal.aborted) {
        const knowsUptime = lease.bootedAt !== null || (await call(context, input, lease, signal));
        const isRenewed = knowsUptime && (await call(context, input, lease, signal));
        const interval = intervalOf(lease.seconds * 1000, !isRenewed);
        await context.clock.sleep(interval, signal).catch(() => {});
      }
    },
    leaseEndsAt({ containerId }) {
      const lease = leases.get(containerId ?? '');
      return lease ? lease.issuedAt + lease.seconds * 1000 + leaseMargin : null;
    },
    forget: ({ containerId }) => void leases.delete(containerId!),
  };
}

/** Renew the lease, or only ask for the uptime while that is unknown. Returns whether the container has answered. */
async function call(
  { clock, docker }: LeasePorts,
  input: StepInput,
  lease: Lease,
  signal: AbortSignal,
): Promise<boolean> {
  const at = clock.elapsed();
  const { bootedAt, seconds } = lease;
  const until = bootedAt === null ? undefined : String(Math.floor((at - bootedAt) / 1000) + seconds);
  // Noted before the call: one that fails may still arrive.
  if (until !== undefined) lease.issuedAt = at;
  const options = { signal, scope: owner(input), isPolling: true, timeout: callTimeoutMs };
  // By a variable, so that all calls have the same arguments, and only the first one is journaled.
  const args = ['exec', '--user=0:0', '--env=AGENT_LEASE_UNTIL', input.containerId!, 'agent-lease'];
  const result = await docker(args, { ...options, env: { AGENT_LEASE_UNTIL: until } }).catch(() => null);
  const uptime = result && uptimeIn(result);
  if (uptime === null) {
    // Renewals that do not arrive would put off the end of the lease for ever: the next call only asks.
    lease.bootedAt = null;
    return false;
  }
  // The latest answer counts: clocks drift apart.
  lease.bootedAt = clock.elapsed() - uptime * 1000;
  return true;
}

const uptimeIn = ({ ok, stdout }: DockerResult) =>
  ok && /^\d{1,10}(\.\d{1,9})?\n$/.test(stdout) ? Number(stdout) : null;
