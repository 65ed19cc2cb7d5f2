import { canCorrect } from './correction.ts';
import type { End, EndRecord, Failure, FailureKind, Outcome, ProviderFailure } from './outcome.ts';
import { quotaResetAt, quotaWaitLimits } from './quota.ts';

/**
 * Return the outcome of an attempt whose container has ended. The container's own end record comes first, Docker's report
 * second. Outcomes of failed steps, cancels and skips are set by agent-setup.ts, flow-schedule.ts and `reconcile()`.
 *
 * @param previous Outcomes of earlier attempts: the number of waits for a quota is limited, and that of corrections.
 */
export function toOutcome(
  end: End | null,
  record: EndRecord | null,
  previous: readonly Outcome[] = [],
): Outcome {
  const exitCode = record?.code ?? end?.exitCode ?? null;
  const failed: Failed = (kind, message, until = null, more = {}) => ({
    status: 'failed',
    exitCode,
    error: {
      phase: 'running',
      kind,
      message,
      ...(exitCode === null ? {} : { exitCode }),
      ...(until === null ? {} : { until }),
      ...more,
    },
  });
  const timedOut = (kind: FailureKind, message: string): Outcome => ({
    status: 'timedOut',
    exitCode,
    error: { phase: 'running', kind, message },
  });
  if (record === null) return outcomeOfEnd(end, failed);
  const { reason, code, oomKills, providerFailure, refusal, lease, outputProblem = null } = record;
  const ranOutOfMemory = oomKills > 0 && (code === 137 || reason === 'tmux-lost');
  switch (reason) {
    case 'exit':
    case 'done':
      if (code === 0 && outputProblem !== null) {
        const isCorrected = record.isCorrectable === true && canCorrect(previous);
        return failed('output', outputProblem, null, isCorrected ? { correctable: true } : {});
      }
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
    case 'lease':
      return failed('infrastructure', leaseRanOut(lease));
    case 'term':
      return failed('infrastructure', 'the container was stopped from outside');
  }
}

type Failed = (
  kind: FailureKind,
  message: string,
  until?: number | null,
  more?: Pick<Failure, 'correctable'>,
) => Outcome;

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

/** Return the outcome of an AI CLI that has failed. An exhausted quota is waited for if its reset time is near enough. */
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
    const days = (ms: number) => Math.ceil(ms / dayMs);
    const bound = `That is in ${days(wait)} days, and a run waits for ${days(maxWaitMs)} at most`;
    return failed('quota', `${message}. ${bound}. Run it again then`);
  }
  if (previous.filter(each => quotaResetAt(each) !== null).length >= maxWaits)
    return failed('quota', `${message}. It has waited for its quota ${maxWaits} times. Run it again`);
  return failed('quota', message, end.at + wait);
}

const leaseRanOut = (lease: number | undefined) =>
  `its lease ran out, since no supervisor renewed it ${lease === undefined ? 'in time' : `within ${lease / 1000} s`}. Raise "hostGrace" if its engine may be out of reach, or its supervisor gone, for longer`;

const hint = (code: number) =>
  code === 127 ? ': command not found in the container' : code === 126 ? ': command cannot be executed' : '';

const dayMs = 24 * 3_600_000;
