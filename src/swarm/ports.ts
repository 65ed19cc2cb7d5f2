import type { Clock } from '../clock.ts';
import type { Docker } from '../docker/cli.ts';
import type { RunOwner } from '../docker/labels.ts';
import type { AgentPlan } from '../spec/plan.ts';
import type { SwarmNode } from './nodes.ts';

/** The parts of a run that the scheduler acts on. */
export interface SchedulerPorts {
  /** The docker client of a manager. */
  readonly docker: Docker;
  readonly owner: RunOwner;
  readonly clock: Pick<Clock, 'sleep' | 'elapsed'>;
  readonly plan: (agent: string) => Pick<AgentPlan, 'memory' | 'cpus' | 'placement'>;
  /** Limits the calls that create something. */
  readonly limiter: <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;
  /** Return a docker client of the engine of a node. Rejects if it cannot be reached. */
  readonly connect: (node: SwarmNode & { readonly context: string }, signal: AbortSignal) => Promise<Docker>;
  readonly warn: (message: string) => void;
  /** Ends what goes on in the background. */
  readonly signal: AbortSignal;
}
