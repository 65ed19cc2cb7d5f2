/** The status of an attempt, or of a whole agent, that has ended. */
export type Status = 'succeeded' | 'failed' | 'timedOut' | 'cancelled' | 'skipped';

export type FailureKind =
  | 'exit' // the agent's command exited non-zero
  | 'signal' // the agent's command was ended by a signal from inside
  | 'tmuxLost' // the tmux server or its session went away
  | 'outOfMemory'
  | 'injectTimeout' // the container gave up waiting for its launch script
  | 'infrastructure' // the container ended without an end record: killed, removed, daemon restart, host lost
  | 'timeout' // the phase in `phase` ran past its limit
  | 'idle' // no output for longer than `timeouts.idle`
  | 'image' // an image cannot be built, pulled or used
  | 'gpu' // the engine has no GPU for containers, or not the requested ones
  | 'workspace' // a clone cannot be made, or a directory is no longer the one that was checked
  | 'network' // the network cannot be made or used
  | 'outOfResources' // the engine's disk is full, or its pool of network addresses is exhausted
  | 'nameConflict' // a name is in use by a container or network that is not ours
  | 'authentication' // the AI CLI reports that it is not logged in, or that its key is refused
  | 'quota' // the AI CLI reports that its quota is exhausted
  | 'budget' // the AI CLI exceeded its turns, tokens or time
  | 'needsInput' // the AI CLI needs input, and `needsInput` is `fail`
  | 'missingSecret' // a secret is not set
  | 'docker' // docker failed permanently
  | 'unreachable' // the Docker engine does not respond
  | 'transient' // docker failed in a way that may pass
  | 'dependency' // an agent that it depends on did not succeed
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
}

export interface Outcome {
  readonly status: Status;
  /** The agent's exit code; null if it has none (never started, removed by hand). */
  readonly exitCode: number | null;
  readonly error: Failure | null;
}

/** Docker's report of a container that no longer runs. */
export interface End {
  /** null: the container no longer exists. */
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  readonly reason: 'died' | 'removed' | 'restarted';
  /** When it was noticed, milliseconds since the epoch. */
  readonly at: number;
  /** The same by the engine's clock, if Docker reports it. Compare it with times of that clock only. */
  readonly finishedAt?: number;
}

/** The signed last line of a container: its own report of how it ended. */
export interface EndRecord {
  readonly reason: 'exit' | 'done' | 'deadline' | 'idle' | 'signal' | 'tmux-lost' | 'term' | 'never-injected';
  readonly code: number;
  /** Processes of the container that the kernel killed because memory ran out. */
  readonly oomKills: number;
  /** Why the AI CLI failed, if it has reported that. */
  readonly providerFailure?: ProviderFailure | null;
  /** Why the container cannot run an agent, if it ended before its launch script was injected. */
  readonly refusal?: string | null;
}

interface ProviderFailure {
  readonly kind: 'authentication' | 'quota' | 'budget' | 'needsInput';
  readonly message: string;
  /** When it passes by itself, milliseconds since the epoch by the engine's clock; null if never, or unknown. */
  readonly until: number | null;
}

const day = 24 * 3_600_000;
/** Limits of what an agent, which is hostile (I8), can report: how often it waits for its quota, and for how long. */
export const quotaWaitLimits = { maxWaits: 10, maxWaitMs: 8 * day } as const;

/**
 * Return the outcome of an attempt that has ended; nothing else does. The container's own end record comes first, Docker's
 * report second.
 *
 * @param previous Outcomes of earlier attempts: the number of waits for a quota is limited.
 */
export function toOutcome(
  end: End | null,
  record: EndRecord | null,
  previous: readonly Outcome[] = [],
): Outcome {
  const exitCode = record?.code ?? end?.exitCode ?? null;
  const failed: Failed = (kind, message, until = null) => ({
    status: 'failed',
    exitCode,
    error: {
      phase: 'running',
      kind,
      message,
      ...(exitCode === null ? {} : { exitCode }),
      ...(until === null ? {} : { until }),
    },
  });
  const timedOut = (kind: FailureKind, message: string): Outcome => ({
    status: 'timedOut',
    exitCode,
    error: { phase: 'running', kind, message },
  });
  if (record === null) return outcomeOfEnd(end, failed);
  const { reason, code, oomKills, providerFailure, refusal } = record;
  const ranOutOfMemory = oomKills > 0 && (code === 137 || reason === 'tmux-lost');
  switch (reason) {
    case 'exit':
    case 'done':
      if (code === 0) return { status: 'succeeded', exitCode: 0, error: null };
      if (ranOutOfMemory) return failed('outOfMemory', outOfMemory);
      if (providerFailure) return outcomeOfProvider(providerFailure, end, previous, failed);
      return failed('exit', `exited with ${code}${hint(code)}`);
    case 'signal':
      if (ranOutOfMemory) return failed('outOfMemory', outOfMemory);
      return failed('signal', `ended by signal ${code - 128}`);
    case 'tmux-lost':
      if (ranOutOfMemory) return failed('outOfMemory', outOfMemory);
      return failed(
        'tmuxLost',
        refusal
          ? `the container cannot run agents: ${refusal}`
          : 'the tmux session went away before the agent was done',
      );
    case 'deadline':
      return timedOut('timeout', 'ran past its limit, "timeouts.run"');
    case 'idle':
      return timedOut('idle', 'no output for longer than "timeouts.idle"');
    case 'never-injected':
      return failed('injectTimeout', 'the container was never given its launch script');
    case 'term':
      return failed('infrastructure', 'the container was stopped from outside');
  }
}

type Failed = (kind: FailureKind, message: string, until?: number | null) => Outcome;

const outOfMemory = 'a process of the agent was killed: out of memory. Raise "memory"';

/** Return the outcome of a container without an end record. */
function outcomeOfEnd(end: End | null, failed: Failed): Outcome {
  if (end?.oomKilled) return failed('outOfMemory', outOfMemory);
  if (end === null || end.reason === 'removed')
    return failed('infrastructure', 'the container was removed from outside');
  if (end.reason === 'restarted') return failed('infrastructure', 'the container was restarted from outside');
  return failed(
    'infrastructure',
    `the container exited with ${end.exitCode} but wrote no end record; it was killed externally, or its daemon or host failed`,
  );
}

/** Return the outcome of an AI CLI that has failed: a quota with a reset time in reach is waited for. */
function outcomeOfProvider(
  { kind, message, until }: ProviderFailure,
  end: End | null,
  previous: readonly Outcome[],
  failed: Failed,
): Outcome {
  // Without the time of the end the length of the wait is unknown.
  if (kind !== 'quota' || until === null || end === null) return failed(kind, message);
  // Both times are of the engine's clock, which the CLI reads; by ours, only the difference counts.
  const wait = until - (end.finishedAt ?? end.at);
  const { maxWaits, maxWaitMs } = quotaWaitLimits;
  if (wait <= 0) return failed('exit', `${message}; it reports a reset time that has passed already`);
  if (wait > maxWaitMs) {
    const days = (ms: number) => Math.ceil(ms / day);
    const bound = `That is in ${days(wait)} days, and a run waits for ${days(maxWaitMs)} at most`;
    return failed('quota', `${message}. ${bound}. Run it again then`);
  }
  if (previous.filter(each => quotaResetAt(each) !== null).length >= maxWaits)
    return failed('quota', `${message}. It has waited for its quota ${maxWaits} times. Run it again`);
  return failed('quota', message, end.at + wait);
}

const hint = (code: number) =>
  code === 127 ? ': command not found in the container' : code === 126 ? ': command cannot be executed' : '';

/** Return when an exhausted quota is reset; null if there is nothing to wait for. */
export const quotaResetAt = ({ error }: Outcome): number | null =>
  error?.kind === 'quota' ? (error.until ?? null) : null;

/** Return how many attempts count towards `retries`: those that ended with an exhausted quota do not. */
export const countedAttempts = (attempt: number, attempts: readonly Outcome[]) =>
  attempt - attempts.filter(each => quotaResetAt(each) !== null).length;

/** Return whether a new attempt can help: if the agent or its infrastructure failed, not after a limit or a refusal. */
export function isRetryable(outcome: Outcome): boolean {
  const retryableKinds: readonly FailureKind[] = [
    'exit',
    'signal',
    'tmuxLost',
    'outOfMemory',
    'injectTimeout',
    'infrastructure',
  ];
  return outcome.status === 'failed' && outcome.error !== null && retryableKinds.includes(outcome.error.kind);
}
