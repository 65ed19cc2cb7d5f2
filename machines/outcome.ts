/** How an attempt, or a whole agent, came out. */
export type Status = 'succeeded' | 'failed' | 'timedOut' | 'cancelled' | 'skipped';

export type FailureKind =
  | 'exit' // the agent's command exited non-zero
  | 'signal' // the agent's command was ended by a signal from inside
  | 'tmuxLost' // the tmux server or its session went away
  | 'outOfMemory'
  | 'injectTimeout' // the container gave up waiting for its launch script
  | 'infrastructure' // the container ended without its own word: killed, removed, daemon restart, host lost
  | 'timeout' // a phase ran past its limit; `phase` says which
  | 'idle' // no output for longer than `timeouts.idle`
  | 'image' // an image that cannot be built, pulled or used
  | 'gpu' // the engine has none for containers, or not those that were asked for
  | 'workspace' // a clone that cannot be made, or a directory that is no longer what was checked
  | 'network'
  | 'outOfResources' // the engine has no room left: its disk is full, or its pool of network addresses
  | 'nameConflict' // a name is held by something that is not ours
  | 'authentication' // the AI CLI says that nobody is logged in, or that its key is refused
  | 'quota' // the AI CLI says that its plan is used up
  | 'budget' // the AI CLI took more turns, tokens or time than it was given
  | 'needsInput' // the AI CLI asked for somebody, and nobody was to answer
  | 'missingSecret' // one that it needs is not there
  | 'docker' // docker refused, for good
  | 'unreachable' // the engine does not answer
  | 'transient' // docker failed in a way that passes
  | 'dependency' // an agent that it depends on did not succeed
  | 'internal';

export interface Failure {
  /** The state in which it happened. */
  readonly phase: string;
  readonly kind: FailureKind;
  readonly message: string;
  readonly command?: string;
  readonly exitCode?: number;
  /** Of a plan that is used up, when it is there again: milliseconds since the epoch, where the CLI has said so. */
  readonly until?: number;
}

export interface Outcome {
  readonly status: Status;
  /** The agent's exit code; null where it has none (never started, removed by hand). */
  readonly exitCode: number | null;
  readonly error: Failure | null;
}

/** What Docker says of a container that is no longer running. */
export interface End {
  /** null: Docker no longer knows it. */
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  readonly reason: 'died' | 'removed' | 'restarted';
  /** When it was noticed, milliseconds since the epoch. */
  readonly at: number;
  /** The same by the engine's clock, where Docker reports it. It may differ from ours: compare it with its own times only. */
  readonly finishedAt?: number;
}

/** What the container itself said in its last line. */
export interface EndRecord {
  readonly reason: 'exit' | 'done' | 'deadline' | 'idle' | 'signal' | 'tmux-lost' | 'term' | 'never-injected';
  readonly code: number;
  /** Processes of the container that the kernel killed for want of memory. */
  readonly oomKills: number;
  /** What an AI CLI has said of why it failed, where it has. */
  readonly trouble?: ProviderFailure | null;
  /** Why the container could not take an agent, in its own words, where it ended before it was given one. */
  readonly refusal?: string | null;
}

export interface ProviderFailure {
  readonly kind: 'authentication' | 'quota' | 'budget' | 'needsInput';
  readonly message: string;
  /** When it is over by itself, milliseconds since the epoch by the engine's clock; null where it is not, or unknown. */
  readonly until: number | null;
}

const day = 24 * 3_600_000;
/** How often an agent waits for its plan, and for how long at most, in milliseconds: what an agent says of it is its word. */
export const quotaWaits = { most: 10, longest: 8 * day } as const;

/**
 * The one place that turns an end into a verdict. The container's own record comes first, Docker's view second.
 *
 * @param before How the attempts before this one came out: a plan is waited for so often and no more.
 */
export function toOutcome(
  end: End | null,
  record: EndRecord | null,
  before: readonly Outcome[] = [],
): Outcome {
  const exitCode = record?.code ?? end?.exitCode ?? null;
  const failed = (kind: FailureKind, message: string, until: number | null = null): Outcome => ({
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
  const usedUp = (message: string, resetsAt: number) => {
    // Without the time of the report the length of the wait is unknown.
    if (end === null) return failed('quota', message);
    // Both are times of the engine's clock, which the CLI reads; by ours, only the difference counts.
    const wait = resetsAt - (end.finishedAt ?? end.at);
    if (wait <= 0) return failed('exit', `${message}; it says that its plan is there again already`);
    if (wait > quotaWaits.longest) {
      const days = (ms: number) => Math.ceil(ms / day);
      const bound = `That is in ${days(wait)} days, and a run waits for ${days(quotaWaits.longest)} at most`;
      return failed('quota', `${message}. ${bound}. Run it again then`);
    }
    if (before.filter(each => quotaResetAt(each) !== null).length >= quotaWaits.most)
      return failed('quota', `${message}. It has waited for its plan ${quotaWaits.most} times. Run it again`);
    return failed('quota', message, end.at + wait);
  };
  const outOfMemory = () =>
    failed('outOfMemory', 'a process of the agent was killed: out of memory. Raise "memory"');

  if (record === null) {
    if (end?.oomKilled) return outOfMemory();
    if (end === null || end.reason === 'removed')
      return failed('infrastructure', 'the container was removed from outside');
    if (end.reason === 'restarted')
      return failed('infrastructure', 'the container was restarted from outside');
    return failed(
      'infrastructure',
      `the container exited with ${end.exitCode} but wrote no end record; it was killed externally, or its daemon or host failed`,
    );
  }
  switch (record.reason) {
    case 'exit':
    case 'done':
      if (record.code === 0) return { status: 'succeeded', exitCode: 0, error: null };
      if (record.oomKills > 0 && record.code === 137) return outOfMemory();
      if (record.trouble) {
        const { kind, message, until } = record.trouble;
        return kind === 'quota' && until !== null ? usedUp(message, until) : failed(kind, message);
      }
      return failed('exit', `exited with ${record.code}${hint(record.code)}`);
    case 'signal':
      if (record.oomKills > 0 && record.code === 137) return outOfMemory();
      return failed('signal', `ended by signal ${record.code - 128}`);
    case 'tmux-lost':
      if (record.oomKills > 0) return outOfMemory();
      return failed(
        'tmuxLost',
        record.refusal
          ? `the container cannot run agents: ${record.refusal}`
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

const hint = (code: number) =>
  code === 127 ? ': command not found in the container' : code === 126 ? ': command cannot be executed' : '';

/** When a plan that is used up is there again; null where nothing is to be waited for. */
export const quotaResetAt = ({ error }: Outcome): number | null =>
  error?.kind === 'quota' ? (error.until ?? null) : null;

/** An attempt that only met the end of a plan is not one of those that are counted. */
export const countedAttempts = (attempt: number, attempts: readonly Outcome[]) =>
  attempt - attempts.filter(each => quotaResetAt(each) !== null).length;

/** A new attempt can only help where the agent, or the ground under it, failed; a limit or a refusal would meet it again. */
export function mayBeRetried(outcome: Outcome): boolean {
  const again: readonly FailureKind[] = [
    'exit',
    'signal',
    'tmuxLost',
    'outOfMemory',
    'injectTimeout',
    'infrastructure',
  ];
  return outcome.status === 'failed' && outcome.error !== null && again.includes(outcome.error.kind);
}
