import { assign, emit, fromPromise, setup } from 'xstate';
import type {
  AgentContext,
  AgentEmitted,
  AgentEvent,
  AgentInput,
  AgentOutput,
  AttemptResult,
  Entry,
  Reconciliation,
  Step,
  StepInput,
} from './agent-types.ts';
import {
  countedAttempts,
  type End,
  type EndRecord,
  type Failure,
  type FailureKind,
  mayBeRetried,
  type Outcome,
  quotaResetAt,
  quotaWaits,
  toOutcome,
} from './outcome.ts';
import { asStepError } from './step-error.ts';

/** How often a step is tried, and how long it waits in between: 0.1 s doubled each time, 5 s at most. */
export const maxTries = 8;
export const backOffDelay = (failures: number) => Math.min(100 * 2 ** (failures - 1), 5_000);
/** An attempt that failed is followed by the next after 1 s, doubled each time, 30 s at most. */
export const retryDelay = (attempt: number) => Math.min(1_000 * 2 ** (attempt - 1), 30_000);

type Over = Pick<AgentContext, 'outcome' | 'end' | 'attempt'>;

/** When the next attempt may begin: after its delay, and not before a plan that was used up is there again. */
const nextAt = ({ outcome, end, attempt }: Over) => {
  const since = end?.at ?? 0;
  // Also where the clock was set back since that was journaled.
  const resetsAt = Math.min((outcome && quotaResetAt(outcome)) ?? 0, since + quotaWaits.longest);
  return Math.max(resetsAt, since + retryDelay(attempt));
};

const provided = <Output, Input = StepInput>(what: string) =>
  fromPromise<Output, Input>(() => Promise.reject(new Error(`no actor provided for ${what}`)));

const failure = (event: unknown) => asStepError((event as { error?: unknown }).error);
const result = <T>(event: unknown) => (event as { output: T }).output;

export const stepInput = ({ context }: { context: AgentContext }): StepInput => ({
  name: context.name,
  attempt: context.attempt,
  containerId: context.containerId,
  image: context.image,
  injectedAt: context.injectedAt,
  inDoubt: context.inDoubt,
  cancelled: context.cancelled,
});

/** What docker says where it has not done what it was asked for. */
const permanentFailureKinds: readonly FailureKind[] = [
  'docker',
  'image',
  'network',
  'gpu',
  'outOfResources',
  'workspace',
];

const beforeAnother: readonly Entry[] = ['retrying', 'waitingForQuota'];
const startupStates: readonly Entry[] = ['building', 'starting', 'waitingForTmux', 'running'];

const fresh = { step: null, tries: 0 } as const;
const cancelledOutcome: Outcome = { status: 'cancelled', exitCode: null, error: null };

/** The words that the chart in agent.ts is written in: what it may invoke, ask and note. */
export const machineSetup = setup({
  types: {} as {
    input: AgentInput;
    output: AgentOutput;
    context: AgentContext;
    events: AgentEvent;
    emitted: AgentEmitted;
  },
  actors: {
    reconcile: provided<Reconciliation>('reconcile'),
    ensureImage: provided<{ image: string }>('ensureImage'),
    ensureNetwork: provided<void>('ensureNetwork'),
    createContainer: provided<{ containerId: string }>('createContainer'),
    startContainer: provided<void>('startContainer'),
    /** Resolves with null when the session takes keys, and with its end where the container has ended by then. */
    waitForTmux: provided<End | null>('waitForTmux'),
    inject: provided<{ injectedAt: number }>('inject'),
    /**
     * Resolves when the container has ended; with `overdue` where it outlived its own limit. Meanwhile it sends each
     * `Mood` to its parent, which is the agent's machine.
     */
    watch: provided<End | 'overdue'>('watch'),
    /** The rungs: each resolves with the end it brought about, or null after its patience. */
    interrupt: provided<End | null>('interrupt'),
    terminate: provided<End | null>('terminate'),
    stopContainer: provided<End | null>('stopContainer'),
    killContainer: provided<End | null>('killContainer'),
    collect: provided<{ record: EndRecord | null }>('collect'),
    removeContainer: provided<void>('removeContainer'),
    /** Resolves at `at`, or up to `jitter` milliseconds before, so that those who failed together try apart. */
    waitUntil: fromPromise<void, { at: number; jitter?: number }>(() =>
      Promise.reject(new Error('no actor provided for waitUntil')),
    ),
    waitForEngine: provided<void>('waitForEngine'),
    waitForSecrets: provided<void>('waitForSecrets'),
  },
  guards: {
    enters: ({ event }, params: { state: Entry }) => result<Reconciliation>(event).enter === params.state,
    /** It was cancelled before anybody knew where it stands. */
    isCancelledBeforeStart: ({ context, event }) =>
      context.cancelled && startupStates.includes(result<Reconciliation>(event).enter),
    retriesThoughCancelled: ({ context, event }) =>
      context.cancelled && beforeAnother.includes(result<Reconciliation>(event).enter),
    isCancelled: ({ context }) => context.cancelled,
    isEngineUnreachable: ({ event }) => failure(event).kind === 'unreachable',
    lacksSecrets: ({ event }) => failure(event).kind === 'missingSecret',
    /** A cancelled agent waits for nothing. */
    maySecretsBeAwaited: ({ context, event }) =>
      !context.cancelled && failure(event).kind === 'missingSecret',
    mayTryAgain: ({ context, event }) => failure(event).kind === 'transient' && context.tries + 1 < maxTries,
    backsOffFrom: ({ context }, params: { step: Step }) => context.step === params.step,
    isCleaningUp: ({ context }) => context.step === 'collecting' || context.step === 'removing',
    engineIsAwayAtCancel: ({ context, event }) => context.cancelled && failure(event).kind === 'unreachable',
    isOverdue: ({ event }) => result<End | 'overdue'>(event) === 'overdue',
    mayBeRunning: ({ context }) => context.containerId !== null && context.started && context.end === null,
    hasEnded: ({ event }) => result<End | null>(event) !== null,
    hasTranscript: ({ context }) =>
      context.containerId !== null && context.started && context.end?.reason !== 'removed',
    mayExist: ({ context }) => context.containerId !== null || context.inDoubt,
    isKept: ({ context }) =>
      context.containerId !== null &&
      !context.inDoubt &&
      !context.cancelled &&
      // One that may live on in spite of the ladder is nothing to keep.
      !(context.started && context.end === null) &&
      (context.keep === 'always' ||
        (context.keep === 'on-failure' && context.outcome?.status !== 'succeeded')),
    hasRetriesLeft: ({ context }) =>
      !context.cancelled &&
      context.outcome !== null &&
      mayBeRetried(context.outcome) &&
      countedAttempts(context.attempt, context.attempts) <= context.retries,
    waitsForQuota: ({ context }) =>
      !context.cancelled && context.outcome !== null && quotaResetAt(context.outcome) !== null,
  },
  actions: {
    enter: assign(({ context, event }) => {
      const { enter: _, reason: __, outcome, ...known } = result<Reconciliation>(event);
      const retryAt = nextAt({ ...known, outcome });
      const cancelled = known.cancelled || context.cancelled;
      return { ...known, cancelled, outcome: outcome ?? context.outcome, retryAt, ...fresh };
    }),
    // What was in doubt of a container that we know has happened, since the step is done.
    stepDone: assign(({ context }) => ({
      ...fresh,
      inDoubt: context.inDoubt && context.containerId === null,
    })),
    cleanupDone: assign(fresh),
    backOff: assign(({ context, event }, params: { step: Step }) => {
      const { at, inDoubt } = failure(event);
      const tries = context.tries + 1;
      return {
        step: params.step,
        tries,
        retryAt: at + backOffDelay(tries),
        inDoubt: context.inDoubt || inDoubt,
      };
    }),
    loseEngine: assign(({ context, event }, params: { step: Step }) => ({
      step: params.step,
      tries: 0,
      inDoubt: context.inDoubt || failure(event).inDoubt,
    })),
    awaitSecrets: assign((_, params: { step: Step }) => ({ step: params.step, tries: 0 })),
    /** The first word on an attempt stands: what goes wrong while cleaning up does not change it. */
    fail: assign(({ context, event }, params: { phase: Step }) => {
      const { kind, message, command, exitCode, inDoubt } = failure(event);
      const error: Failure = {
        phase: params.phase,
        kind,
        message,
        ...(command === undefined ? {} : { command }),
        ...(exitCode === undefined ? {} : { exitCode }),
      };
      const status = kind === 'timeout' ? ('timedOut' as const) : ('failed' as const);
      // A create that failed for good may have landed when it was tried before.
      return {
        ...fresh,
        // A start that was refused has not happened: there is nothing to stop and nothing to read.
        started:
          context.started &&
          !(params.phase === 'starting' && permanentFailureKinds.includes(kind) && !inDoubt),
        inDoubt: inDoubt || (context.containerId === null && context.inDoubt && context.step !== null),
        outcome: context.outcome ?? { status, exitCode: null, error },
      };
    }),
    leaveBehind: assign(({ context, event }) => {
      const outcome = context.outcome ?? toOutcome(context.end, null);
      const message = `the container may be left behind: ${failure(event).message}`;
      return {
        outcome: {
          ...outcome,
          error: outcome.error ?? { phase: 'removing', kind: 'infrastructure' as const, message },
        },
      };
    }),
    cancel: assign(({ context }) => ({
      cancelled: true,
      ...fresh,
      outcome: context.outcome ?? cancelledOutcome,
    })),
    cancelRetry: assign({ cancelled: true, outcome: cancelledOutcome }),
    /** Once its end is being tidied up, an agent that came out keeps its outcome. */
    noteCancel: assign({ cancelled: true }),
    setImage: assign(({ event }) => ({ image: result<{ image: string }>(event).image })),
    setContainer: assign(({ event }) => ({
      containerId: result<{ containerId: string }>(event).containerId,
      inDoubt: false,
    })),
    // Until the answer is there, a container may exist that nobody has told us of.
    noteCreate: assign({ inDoubt: true }),
    // Noted when the start is asked for, not when it is confirmed: a start whose answer was lost may have happened.
    noteStart: assign({ started: true }),
    setInjectedAt: assign(({ event }) => ({ injectedAt: result<{ injectedAt: number }>(event).injectedAt })),
    setEnd: assign(({ event }) => ({ end: result<End>(event) })),
    timeOut: assign(({ context }) => ({
      outcome: context.outcome ?? {
        status: 'timedOut' as const,
        exitCode: null,
        error: { phase: 'running', kind: 'timeout' as const, message: 'outlived its limit, "timeouts.run"' },
      },
    })),
    judge: assign(({ context, event }) => ({
      outcome:
        context.outcome ??
        toOutcome(context.end, result<{ record: EndRecord | null }>(event).record, context.attempts),
    })),
    settleOutcome: assign(({ context }) => ({ outcome: context.outcome ?? toOutcome(context.end, null) })),
    endAttempt: assign(({ context }) => ({ attempts: [...context.attempts, attemptResult(context)] })),
    emitAttemptEnded: emit(({ context }) => ({
      type: 'attempt.ended' as const,
      result: attemptResult(context),
      image: context.image,
    })),
    scheduleAttempt: assign(({ context }) => ({ retryAt: nextAt(context) })),
    nextAttempt: assign(({ context }) => ({
      attempt: context.attempt + 1,
      containerId: null,
      started: false,
      injectedAt: null,
      end: null,
      outcome: null,
      inDoubt: false,
      ...fresh,
    })),
  },
});

function attemptResult(context: AgentContext): AttemptResult {
  const outcome = context.outcome ?? toOutcome(context.end, null);
  return { attempt: context.attempt, containerId: context.containerId, ...outcome };
}
