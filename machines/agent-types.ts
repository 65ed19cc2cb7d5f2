import type { CheckInput, CheckResult } from './check.ts';
import type { End, Outcome } from './outcome.ts';

/**
 * A state whose actor is tried again after a transient error. A *try* is one execution of a step; a *retry* is a new
 * attempt, in a new container; a *round* is a new attempt after one whose check did not pass; a *correction* is a new attempt
 * after one whose output does not count.
 */
export type Step =
  | 'reconciling'
  | 'placing'
  | 'building'
  | 'networking'
  | 'creating'
  | 'starting'
  | 'waitingForTmux'
  | 'injecting'
  | 'running'
  | 'collecting'
  | 'removing'
  | 'checking';

/** A state that `reconcile()` may enter. */
export type Entry =
  | 'placing'
  | 'building'
  | 'starting'
  | 'waitingForTmux'
  | 'running'
  | 'stopping'
  | 'collecting'
  | 'removing'
  | 'checking'
  | 'retrying'
  | 'waitingForQuota'
  | 'done';

/** The result of `reconcile()`: the state to enter, and the context to enter it with. */
export interface Reconciliation {
  readonly enter: Entry;
  /** The reason for that state, as text for the user. */
  readonly reason: string;
  readonly attempt: number;
  /** Attempts that have ended. */
  readonly attempts: readonly AttemptResult[];
  readonly image: string | null;
  readonly containerId: string | null;
  /** The container was started at some time, so there may be something to stop and to collect. */
  readonly started: boolean;
  /** Milliseconds since the epoch; null before the launch script was injected. */
  readonly injectedAt: number | null;
  readonly end: End | null;
  /** The outcome if it is already known: from the journal, or a refusal. */
  readonly outcome: Outcome | null;
  /** A cancel was requested before. */
  readonly cancelled: boolean;
  /** The effect of a docker call is unknown until repeated lookups, the absence checks, have found nothing. */
  readonly inDoubt: boolean;
  /** Default: 1. */
  readonly round?: number;
  /** The result of the check on this attempt; absent if there is none. */
  readonly checkResult?: CheckResult | null;
}

export interface AttemptResult extends Outcome {
  readonly attempt: number;
  readonly containerId: string | null;
}

/** The result of a dependency that an agent needs: `failed` includes a timeout, `ended` is any result. */
export type RequiredResult = 'succeeded' | 'failed' | 'ended';

export interface AgentInput {
  readonly name: string;
  /** Names of the agents that have to end first. */
  readonly dependsOn: readonly string[];
  /** The results that it needs of dependencies, by their names. Default: `succeeded`. */
  readonly on?: Readonly<Record<string, RequiredResult>>;
  /** It starts only if its condition holds, which is evaluated when its dependencies have the results that it needs. */
  readonly isConditional?: boolean;
  /** It waits for the decision of the user, without a container, and without a place of `concurrency`. */
  readonly isApproval?: boolean;
  /** It has no container, and becomes the first ones of these agents, as many as its condition reports. */
  readonly expandsTo?: readonly string[];
  /** The agent that becomes it, and others, if there are enough items. */
  readonly itemOf?: string;
  /** Its output, if it ended without having been started: in an earlier process, or in an earlier run. */
  readonly unstarted?: AgentOutput;
  /** The host that it is placed on; absent for the engine of the run. */
  readonly host?: string;
  /** A scheduler chooses the host of each attempt. */
  readonly isScheduled?: boolean;
  /** Attempts after the first one. */
  readonly retries: number;
  /** The outcomes after which the container is kept instead of being removed. */
  readonly keep: 'never' | 'on-failure' | 'always';
  /** Absent: its work is not checked. */
  readonly check?: CheckInput;
}

export interface AgentOutput extends Outcome {
  readonly name: string;
  readonly containerId: string | null;
  readonly image: string | null;
  readonly attempts: readonly AttemptResult[];
}

export interface AgentContext {
  readonly name: string;
  readonly retries: number;
  readonly keep: AgentInput['keep'];
  readonly isScheduled: boolean;
  /** Maximum number of rounds; null without a check. */
  readonly rounds: number | null;
  readonly round: number;
  readonly attempt: number;
  readonly image: string | null;
  readonly containerId: string | null;
  readonly started: boolean;
  readonly injectedAt: number | null;
  readonly end: End | null;
  readonly outcome: Outcome | null;
  /** The result of the check on the current attempt; null if there is none. */
  readonly checkResult: CheckResult | null;
  readonly attempts: readonly AttemptResult[];
  /** The step that has failed and is not done yet; null if there is none. */
  readonly pendingStep: Step | null;
  /** Number of failures of that step so far. */
  readonly tries: number;
  /** The end of a timed wait, milliseconds since the epoch. */
  readonly waitEndsAt: number;
  readonly inDoubt: boolean;
  readonly cancelled: boolean;
}

export type AgentEvent =
  /** Stop the agent, collect, remove. */
  | { type: 'CANCEL'; reason: string }
  /** Remove its container at once, in whatever state. */
  | { type: 'KILL' }
  /** Its host counts as lost, which is the outcome of its attempt in the journal: nothing more is done on that host. */
  | { type: 'HOST_LOST' }
  /** The scheduler has no host for the attempt yet. The reason is text for the user. */
  | { type: 'PENDING'; reason: string }
  | Activity;

/** The activity of an interactive agent: it works, is idle, or needs input. */
export type Activity =
  | { type: 'OUTPUT' }
  | { type: 'IDLE' }
  /** The reason is text for the user. */
  | { type: 'NEEDS_INPUT'; reason: string };

/** Emitted before the container is removed; the journal records it. */
export type AgentEmitted = { type: 'attempt.ended'; image: string | null } & AttemptResult;

/** The input of an actor: the part of the agent's context that it may use. */
export interface StepInput {
  readonly name: string;
  readonly attempt: number;
  /** Default: 1. */
  readonly round?: number;
  readonly containerId: string | null;
  readonly image: string | null;
  readonly injectedAt: number | null;
  readonly inDoubt: boolean;
  readonly cancelled: boolean;
}
