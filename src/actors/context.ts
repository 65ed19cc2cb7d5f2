import type { Reconciliation } from '../../machines/agent-types.ts';
import type { Identity } from '../agent-container/create-args.ts';
import type { Clock } from '../clock.ts';
import type { Docker } from '../docker/cli.ts';
import type { Containers } from '../docker/containers.ts';
import type { EngineInfo } from '../docker/engine-info.ts';
import type { CallScope, Recorder } from '../docker/recorder.ts';
import type { Watcher } from '../docker/watch.ts';
import type { RunEventBody } from '../events.ts';
import type { RunNetworks } from '../networks/networks.ts';
import type { Seals } from '../secrets/seals.ts';
import type { Vault } from '../secrets/vault.ts';
import type { AgentPlan } from '../spec/plan.ts';
import type { ProtectedPath } from '../workspace/protected-git.ts';
import type { CloneRequest } from './make-clone.ts';

/** Run `work` when its turn comes; reject when the signal fires first. */
export type ConcurrencyLimiter = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** What the actors of a run act on. The engine makes one for each run. */
export interface ActorContext {
  readonly clock: Clock;
  readonly docker: Docker;
  readonly recorder: Recorder;
  readonly containers: Containers;
  readonly watcher: Watcher;
  readonly engine: EngineInfo;
  /** What creates or starts a container goes through it. */
  readonly limiter: ConcurrencyLimiter;
  readonly vault: Vault;
  readonly seals: Seals;
  plan(agent: string): AgentPlan;
  /** Reads the facts, and says where the agent enters its machine. */
  reconcile(agent: string, signal: AbortSignal): Promise<Reconciliation>;
  identity(agent: string, attempt: number): Identity;
  /** Why what it is given of the host may not be mounted any more; null where all is as it was. */
  mountProblem(agent: string, attempt: number): string | null;
  /** The id of the image that the agent runs in. */
  image(agent: string, signal: AbortSignal): Promise<string>;
  readonly networks: RunNetworks;
  /** Of what is kept of an attempt. */
  folder(agent: string, attempt: number): string;
  transcript(agent: string, attempt: number): string;
  /** Real paths that agents of the run can write to, in a directory of the host itself. */
  readonly writablePlaces: readonly string[];
  /** What agents of other runs can write at this moment. */
  readonly livePlaces: () => readonly string[];
  /** Whether another agent may write to its workspace while it runs. */
  isShared(agent: string): boolean;
  /** Whether a repository is asked for the first time. */
  firstUse(repository: string): boolean;
  /** Makes an agent's clone; resolves with what is wrong where it cannot be made. */
  makeClone(owner: CallScope, request: CloneRequest, signal: AbortSignal): Promise<string | null>;
  /** Copies what an agent may only read of a bound repository. */
  protectGit(owner: CallScope): Promise<readonly ProtectedPath[]>;
  /** Path of an agent's own clone, made or not; null where it works in none. */
  clone(agent: string, attempt: number): string | null;
  /** The commit that its clones start from. */
  base(agent: string): Base;
  /** The id of the image that helper containers are made of. */
  helperImage(signal: AbortSignal): Promise<string>;
  /** What the journal tells of an attempt's work; null where it was not saved. */
  savedWork(agent: string, attempt: number): { readonly workspace: SavedWorkspace | null } | null;
  /** Fires when an agent was cancelled and has no time left for what can be done without. */
  deadlineSignal(agent: string): AbortSignal;
  /** Resolves when the event is on disk. */
  emit(event: RunEventBody): Promise<void>;
  /** Nothing can be kept any more, such as on a full disk: the run is halted. Ends only by the signal, by rejecting. */
  haltUnwritable(error: Error, signal: AbortSignal): Promise<never>;
}

export type SavedWorkspace = NonNullable<Extract<RunEventBody, { type: 'workspace.saved' }>['workspace']>;

export type Base = { readonly commit: string } | { readonly fault: string };

export const owner = (input: { name: string; attempt: number }): CallScope => ({
  agent: input.name,
  attempt: input.attempt,
});
