/** The result of an attempt, or of a whole agent. */
export type Status = 'succeeded' | 'failed' | 'timedOut' | 'cancelled' | 'skipped';

export type FailureKind =
  | 'exit' // the agent's command exited non-zero
  | 'signal' // the agent's command was ended by a signal from inside
  | 'tmuxLost' // the tmux server or its session went away
  | 'outOfMemory'
  | 'injectTimeout' // the container gave up waiting for its launch script
  | 'infrastructure' // the container ended without an end record: killed, removed, daemon restart; or its lease ran out
  | 'hostLost' // its engine could not be reached for longer than `hostGrace`
  | 'timeout' // a phase ran past its limit; `phase` names it
  | 'idle' // no output for longer than `timeouts.idle`
  | 'image' // an image cannot be built, pulled or used
  | 'gpu' // the engine has no GPU for containers, or not the requested ones
  | 'workspace' // a clone cannot be made, or a directory is no longer the one that was checked
  | 'network' // the network cannot be made or used
  | 'outOfResources' // the engine's disk is full, or its pool of network addresses is exhausted
  | 'nameConflict' // a name is in use by a container or network that is not ours
  | 'authentication' // the AI CLI reports that it is not logged in, or that its key is refused
  | 'quota' // the AI CLI reports that its quota is exhausted
  | 'check' // the check of its work did not pass
  | 'budget' // the AI CLI exceeded its turns, tokens, cost or time, or nothing is left of the budget of the run
  | 'needsInput' // the AI CLI needs input, and its `needsInput` is `fail`
  | 'missingSecret' // a secret is not set
  | 'output' // it has written no output, or one that its schema does not accept
  | 'reference' // a value of another agent that it needs does not exist
  | 'docker' // docker failed permanently
  | 'unreachable' // the Docker engine does not respond
  | 'transient' // docker failed in a way that may pass
  | 'dependency' // an agent that it depends on did not have the result that it needs
  | 'when' // its condition does not hold, or could not be evaluated
  | 'forEach' // its items are no array or too many, or one of its agents did not succeed
  | 'rejected' // an approval was rejected, by the user or by its default
  | 'internal'; // a bug in agent-flow

export interface Failure {
  /** The state in which it happened. */
  readonly phase: string;
  readonly kind: FailureKind;
  readonly message: string;
  readonly command?: string;
  readonly exitCode?: number;
  /** When an exhausted quota is reset, milliseconds since the epoch, if the CLI has reported it. */
  readonly until?: number;
  /** The next attempt corrects the output of this one, which uses up no retry. */
  readonly correctable?: true;
}

export interface Outcome {
  readonly status: Status;
  /** The agent's exit code; null if there is none (never started, removed by hand). */
  readonly exitCode: number | null;
  readonly error: Failure | null;
}

/** Docker's report of a container that no longer runs. The `ContainerEnd` of src/docker, which imports no machine, fits it. */
export interface End {
  /** null: the container no longer exists. */
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  /** No actor of src/actors reports `restarted`: `reconcile()` sets the outcome of a restarted container itself. */
  readonly reason: 'died' | 'removed' | 'restarted';
  /** When it was noticed, milliseconds since the epoch. */
  readonly at: number;
  /** The same by the engine's clock, if Docker reports it. Compare it with times of that clock only. */
  readonly finishedAt?: number;
}

/** The signed last line of a container: its own report of how it ended. */
export interface EndRecord {
  readonly reason:
    | 'exit'
    | 'done'
    | 'deadline'
    | 'idle'
    | 'signal'
    | 'tmux-lost'
    | 'term'
    | 'never-injected'
    | 'lease';
  readonly code: number;
  /** Processes of the container that the kernel killed because memory ran out. */
  readonly oomKills: number;
  /** Why the AI CLI failed, if it has reported that. */
  readonly providerFailure?: ProviderFailure | null;
  /** Why the container cannot run an agent, if it ended before its launch script was injected. */
  readonly refusal?: string | null;
  /** Milliseconds of its lease, if that ran out. */
  readonly lease?: number;
  /** Why the output of an agent that exited with 0 does not count, if it has to write one. */
  readonly outputProblem?: string | null;
  /** Whether another attempt can correct that output: the agent is an AI CLI, which gets the problem in its prompt. */
  readonly isCorrectable?: boolean;
}

/** The failure that an AI CLI reports. */
export interface ProviderFailure {
  readonly kind: 'authentication' | 'quota' | 'budget' | 'needsInput';
  readonly message: string;
  /** When it passes by itself, milliseconds since the epoch by the engine's clock; null if never, or unknown. */
  readonly until: number | null;
}

/**
 * Return whether a new attempt can help: if the agent or its infrastructure failed, not after a limit or a refusal, and not if
 * its work was saved and could not be checked.
 */
export function isRetryable(outcome: Outcome): boolean {
  const retryableKinds: readonly FailureKind[] = [
    'exit',
    'signal',
    'tmuxLost',
    'outOfMemory',
    'injectTimeout',
    'infrastructure',
    'output',
  ];
  const { status, error } = outcome;
  return (
    status === 'failed' && error !== null && error.phase !== 'checking' && retryableKinds.includes(error.kind)
  );
}
