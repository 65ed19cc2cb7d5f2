import type { End, Outcome } from './outcome.ts';

/** The states that a failed try comes back to. */
export type Step =
  | 'reconciling'
  | 'building'
  | 'networking'
  | 'creating'
  | 'starting'
  | 'waitingForTmux'
  | 'injecting'
  | 'running'
  | 'collecting'
  | 'removing';

/** Where `reconcile()` may let an agent enter. */
export type Entry =
  | 'building'
  | 'starting'
  | 'waitingForTmux'
  | 'running'
  | 'stopping'
  | 'collecting'
  | 'removing'
  | 'retrying'
  | 'waitingForQuota'
  | 'done';

export interface Reconciliation {
  readonly enter: Entry;
  /** For people: why here. */
  readonly reason: string;
  readonly attempt: number;
  /** Those that are over. */
  readonly attempts: readonly AttemptResult[];
  readonly image: string | null;
  readonly containerId: string | null;
  /** The container has been started at some time, so there may be something to stop and to collect. */
  readonly started: boolean;
  /** Milliseconds since the epoch; null while the agent has not been started. */
  readonly injectedAt: number | null;
  readonly end: End | null;
  /** Where it is known already: what was journalled, or a refusal. */
  readonly outcome: Outcome | null;
  /** A cancel was asked for before. */
  readonly cancelled: boolean;
  /** A create was asked for and its answer never came: only settle passes tell what there is. */
  readonly inDoubt: boolean;
}

export interface AttemptResult extends Outcome {
  readonly attempt: number;
  readonly containerId: string | null;
}

export interface AgentInput {
  readonly name: string;
  readonly dependsOn: readonly string[];
  readonly retries: number;
  readonly keep: 'never' | 'on-failure' | 'always';
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
  readonly attempt: number;
  readonly image: string | null;
  readonly containerId: string | null;
  readonly started: boolean;
  readonly injectedAt: number | null;
  readonly end: End | null;
  readonly outcome: Outcome | null;
  readonly attempts: readonly AttemptResult[];
  /** The step that is being tried again, how often it has failed so far, and when it may go on. */
  readonly step: Step | null;
  readonly tries: number;
  readonly retryAt: number;
  /** A docker call was cut off: only settle passes tell what there is. */
  readonly inDoubt: boolean;
  readonly cancelled: boolean;
}

export type AgentEvent =
  /** Stop the agent, collect, remove. */
  | { type: 'CANCEL'; reason: string }
  /** Remove it at once, whatever it is doing. */
  | { type: 'KILL' }
  | Activity;

/** What an agent that sits at a terminal is seen to do: work, have nothing to do, or ask for somebody. */
export type Activity =
  | { type: 'OUTPUT' }
  | { type: 'IDLE' }
  /** The reason is for people. */
  | { type: 'NEEDS_INPUT'; reason: string };

export type AgentEmitted = { type: 'attempt.ended'; result: AttemptResult; image: string | null };

/** What an actor gets to know of the agent that it works for. */
export interface StepInput {
  readonly name: string;
  readonly attempt: number;
  readonly containerId: string | null;
  readonly image: string | null;
  readonly injectedAt: number | null;
  readonly inDoubt: boolean;
  readonly cancelled: boolean;
}
