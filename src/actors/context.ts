import type { Reconciliation, StepInput } from '../../machines/agent-types.ts';
import type { Identity } from '../agent-container/create-args.ts';
import type { Clock } from '../clock.ts';
import type { Docker } from '../docker/cli.ts';
import type { Containers } from '../docker/containers.ts';
import type { EngineInfo } from '../docker/engine-info.ts';
import type { CallScope, Recorder } from '../docker/recorder.ts';
import type { Watcher } from '../docker/watch.ts';
import type { RunEventBody } from '../events.ts';
import type { RunNetworks } from '../networks/networks.ts';
import type { Provider } from '../providers/provider.ts';
import type { Seals } from '../secrets/seals.ts';
import type { Vault } from '../secrets/vault.ts';
import type { AgentPlan } from '../spec/plan.ts';
import type { AttemptState } from '../state/agent-state.ts';
import type { Correction } from '../state/corrections.ts';
import type { Round } from '../state/rounds.ts';
import type { ProtectedPath } from '../workspace/protected-git.ts';
import type { CloneRequest } from './make-clone.ts';

/** Every port of a run. Each actor takes only the members that it uses. */
export type ActorContext = TimePort &
  DockerPort &
  ProvisionPort &
  AgentPort &
  WorkspacePort &
  HostPort &
  SecretPort &
  JournalPort &
  BudgetPort;

/** Run `work` when its turn comes; reject when the signal fires first. */
export type ConcurrencyLimiter = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

export interface TimePort {
  readonly clock: Clock;
  /** Fires when a cancelled agent has no time left for optional work. */
  deadlineSignal(agent: string): AbortSignal;
}

/** The Docker engine of the run. */
export interface DockerPort {
  readonly docker: Docker;
  readonly recorder: Recorder;
  readonly containers: Containers;
  readonly watcher: Watcher;
  readonly engine: EngineInfo;
  /** Limits the calls that create or start a container. */
  readonly limiter: ConcurrencyLimiter;
}

/** Images and networks, created when they are first needed. */
export interface ProvisionPort {
  /** Return the id of the image that the agent runs in. */
  image(agent: string, signal: AbortSignal): Promise<string>;
  /** Return the id of the image that helper containers run in. */
  helperImage(signal: AbortSignal): Promise<string>;
  readonly networks: RunNetworks;
}

/** The agents of the plan, and the facts about their attempts. */
export interface AgentPort {
  plan(agent: string): AgentPlan;
  /** Return the provider of an agent; undefined for a command. */
  provider(agent: string): Provider | undefined;
  /** Return the plan of an agent with the values of others that it reads. Throws if they are not known. */
  launchedPlan(agent: string): AgentPlan;
  identity(agent: string, attempt: number): Identity;
  /** Return the text that an agent has in place of a secret of the broker. It is the same for each of its attempts. */
  placeholder(agent: string, variable: string): string;
  /** Read the facts and return the state in which the agent enters its machine. */
  reconcile(agent: string, signal: AbortSignal): Promise<Reconciliation>;
  /** Return the directory that keeps the files of an attempt. */
  folder(agent: string, attempt: number): string;
  transcript(agent: string, attempt: number): string;
}

/** Clones, and the git files of bound workspaces. */
export interface WorkspacePort {
  /** Return the path of an agent's own clone, whether or not it exists; null if it has none here. */
  clone(agent: string, attempt: number): string | null;
  /** Return the volume with an agent's own clone, whether or not it exists; null if it has none on the engine's machine. */
  cloneVolume(agent: string, attempt: number): string | null;
  /**
   * Return the volume with a repository of this machine, in which a commit is whole. It is sent to the engine when it is
   * first needed. Throws if it cannot be sent.
   */
  sentRepository(owner: CallScope, source: RepositorySource, signal: AbortSignal): Promise<string>;
  /** Return the commit that the clone of an attempt starts from: that of the attempt that it continues. */
  startCommit(agent: string, attempt: number): Base;
  /** Return the commit that the agent started from, before any attempt: its work is compared with it. */
  originCommit(agent: string): Base;
  /** Return a value of the user's own git configuration, as it was when the run first read it; null if it is not set. */
  gitSetting(key: string): Promise<string | null>;
  /** Mark a repository as used. Returns whether it was not marked before. */
  markUsed(repository: string): boolean;
  /** Make an agent's clone. Resolves with the reason if that is impossible, else with null. */
  makeClone(owner: CallScope, request: CloneRequest, signal: AbortSignal): Promise<string | null>;
  /** Copy the git files that are read-only for the agent of a bound repository. */
  protectGit(owner: CallScope): Promise<readonly ProtectedPath[]>;
  /** Keep the files that the checks of an agent get as they are now, unless they were kept before. */
  keepProtected(input: StepInput, signal: AbortSignal): Promise<void>;
}

/** Paths of the host that agents can reach. */
export interface HostPort {
  /** The engine has other files than this machine: clones and logins are sent to it. */
  readonly hasOtherFiles: boolean;
  /** Real paths on the host that agents of this run can write to. */
  readonly writablePlaces: readonly string[];
  /** Return the paths that agents of other runs can write to now. */
  readonly livePlaces: () => readonly string[];
  /** Return whether another agent may write to the agent's workspace while it runs. */
  isShared(agent: string): boolean;
  /** Return why a host path of the agent can no longer be mounted; null if nothing has changed. */
  mountProblem(agent: string, attempt: number): string | null;
}

interface SecretPort {
  readonly vault: Vault;
  readonly seals: Seals;
}

/** The budget of the run. */
export interface BudgetPort {
  /** Throw if nothing is left of the budget for an attempt that has no part of it yet. */
  checkBudget(attempt: Pick<StepInput, 'name' | 'attempt'>): void;
  /**
   * Resolve with the part that an attempt may use, in US dollars, once that is in the journal; with null if the run does not
   * limit it. Rejects like `checkBudget`.
   */
  shareOfBudget(attempt: Pick<StepInput, 'name' | 'attempt'>): Promise<number | null>;
}

export interface JournalPort {
  /** Resolves when the event is on disk. */
  emit(event: RunEventBody): Promise<void>;
  /** Return the journaled event of an attempt's saved work; null if it was not saved. */
  savedWork(agent: string, attempt: number): { readonly workspace: SavedWorkspace | null } | null;
  /** Return how many characters of output the journal can take; beyond them, an output does not count. */
  outputRoom(): number;
  /** Return the rounds of an agent that have ended with the result of a check. */
  rounds(agent: string): readonly Round[];
  /** Return the attempts of an agent, from the journal. */
  attempts(agent: string): readonly AttemptState[];
  /** Return what an attempt has to correct in the output of an earlier one; null if nothing. */
  correction(agent: string, attempt: number): Correction | null;
  /** Return whether the journal has the loss of its host as the outcome of an attempt. */
  isHostLost(agent: string, attempt: number): boolean;
  /** Halt the run because a file cannot be written, for example on a full disk. Never resolves; rejects on the signal. */
  haltUnwritable(error: Error, signal: AbortSignal): Promise<never>;
}

export type SavedWorkspace = NonNullable<Extract<RunEventBody, { type: 'workspace.saved' }>['workspace']>;

/** A repository of this machine, and a commit in it. */
export interface RepositorySource {
  /** The root of its work tree. */
  readonly repository: string;
  readonly commit: string;
}

export type Base = { readonly commit: string } | { readonly problem: string };

export const owner = (input: { name: string; attempt: number }): CallScope => ({
  agent: input.name,
  attempt: input.attempt,
});
