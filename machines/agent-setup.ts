import { assign, emit, setup } from 'xstate';
import { notProvidedActors } from './agent-actors.ts';
import {
  attemptResult,
  betweenAttempts,
  entriesBeforeStopping,
  hasRoundsLeft,
  isUnchecked,
  newAttempt,
  noPendingStep,
  outcomeOf,
} from './agent-context.ts';
import { backOffDelay, maxTries, nextAttemptAt } from './agent-delays.ts';
import type {
  AgentContext,
  AgentEmitted,
  AgentEvent,
  AgentInput,
  AgentOutput,
  Entry,
  Reconciliation,
  Step,
} from './agent-types.ts';
import { type CheckResult, outcomeOfCheck } from './check.ts';
import { isCorrectable } from './correction.ts';
import {
  type End,
  type EndRecord,
  type Failure,
  type FailureKind,
  isRetryable,
  type Outcome,
} from './outcome.ts';
import { countedAttempts, quotaResetAt } from './quota.ts';
import type { StateTag } from './state-tags.ts';
import { asStepError } from './step-error.ts';
import { toOutcome } from './to-outcome.ts';

const errorOf = (event: unknown) => asStepError((event as { error?: unknown }).error);
const outputOf = <T>(event: unknown) => (event as { output: T }).output;

/** Kinds of errors after which docker has certainly not done what it was asked for. */
const permanentFailureKinds: readonly FailureKind[] = [
  'docker',
  'image',
  'network',
  'gpu',
  'outOfResources',
  'workspace',
];

const cancelledOutcome: Outcome = { status: 'cancelled', exitCode: null, error: null };

/** The actors, guards and actions of the chart in agent.ts. */
export const machineSetup = setup({
  types: {} as {
    input: AgentInput;
    output: AgentOutput;
    context: AgentContext;
    events: AgentEvent;
    emitted: AgentEmitted;
    tags: StateTag;
  },
  actors: notProvidedActors,
  guards: {
    // Guards on the event: the output or the error of an actor.
    isEntry: ({ event }, params: { state: Entry }) => outputOf<Reconciliation>(event).enter === params.state,
    /** A cancel arrived before reconcile() returned, and the attempt has to be stopped. */
    isCancelledBeforeStopping: ({ context, event }) =>
      context.cancelled && entriesBeforeStopping.includes(outputOf<Reconciliation>(event).enter),
    isCancelledBetweenAttempts: ({ context, event }) =>
      context.cancelled && betweenAttempts.includes(outputOf<Reconciliation>(event).enter),
    outputIsOverdue: ({ event }) => outputOf<End | 'overdue'>(event) === 'overdue',
    outputIsEnd: ({ event }) => outputOf<End | null>(event) !== null,
    isEngineUnreachable: ({ event }) => errorOf(event).kind === 'unreachable',
    isEngineUnreachableAtCancel: ({ context, event }) =>
      context.cancelled && errorOf(event).kind === 'unreachable',
    isMissingSecret: ({ event }) => errorOf(event).kind === 'missingSecret',
    /** A cancelled agent waits for nothing. */
    canWaitForSecrets: ({ context, event }) => !context.cancelled && errorOf(event).kind === 'missingSecret',
    hasTriesLeft: ({ context, event }) => errorOf(event).kind === 'transient' && context.tries + 1 < maxTries,

    // Guards on the context.
    isCancelled: ({ context }) => context.cancelled,
    isScheduled: ({ context }) => context.isScheduled,
    isPendingStep: ({ context }, params: { step: Step }) => context.pendingStep === params.step,
    isCleanupStepPending: ({ context }) =>
      context.pendingStep === 'collecting' || context.pendingStep === 'removing',
    isCheckPending: ({ context }) => context.pendingStep === 'checking',
    mayBeRunning: ({ context }) => context.containerId !== null && context.started && context.end === null,
    hasTranscript: ({ context }) =>
      context.containerId !== null && context.started && context.end?.reason !== 'removed',
    mayExist: ({ context }) => context.containerId !== null || context.inDoubt,
    isKept: ({ context }) =>
      context.containerId !== null &&
      !context.inDoubt &&
      !context.cancelled &&
      // A container that may have survived the escalation is not kept.
      !(context.started && context.end === null) &&
      (context.keep === 'always' ||
        (context.keep === 'on-failure' && context.outcome?.status !== 'succeeded')),
    hasRetriesLeft: ({ context }) =>
      !context.cancelled &&
      context.outcome !== null &&
      isRetryable(context.outcome) &&
      countedAttempts(context.attempt, context.attempts) <= context.retries,
    isUnchecked: ({ context }) => isUnchecked(context),
    hasRoundsLeft: ({ context }) => hasRoundsLeft(context),
    needsCorrection: ({ context }) =>
      !context.cancelled && context.outcome !== null && isCorrectable(context.outcome),
    waitsForQuota: ({ context }) =>
      !context.cancelled && context.outcome !== null && quotaResetAt(context.outcome) !== null,
  },
  actions: {
    applyReconciliation: assign(({ context, event }) => {
      const { enter: _, reason: __, outcome, ...known } = outputOf<Reconciliation>(event);
      const waitEndsAt = nextAttemptAt({ ...known, outcome });
      const cancelled = known.cancelled || context.cancelled;
      return { ...known, cancelled, outcome: outcome ?? context.outcome, waitEndsAt, ...noPendingStep };
    }),
    // A step that is done settles the doubt about a known container (I3).
    stepDone: assign(({ context }) => ({
      ...noPendingStep,
      inDoubt: context.inDoubt && context.containerId === null,
    })),
    cleanupDone: assign(noPendingStep),
    backOff: assign(({ context, event }, params: { step: Step }) => {
      const { at, inDoubt } = errorOf(event);
      const tries = context.tries + 1;
      return {
        pendingStep: params.step,
        tries,
        waitEndsAt: at + backOffDelay(tries),
        inDoubt: context.inDoubt || inDoubt,
      };
    }),
    noteEngineUnreachable: assign(({ context, event }, params: { step: Step }) => ({
      pendingStep: params.step,
      tries: 0,
      inDoubt: context.inDoubt || errorOf(event).inDoubt,
    })),
    noteMissingSecret: assign((_, params: { step: Step }) => ({ pendingStep: params.step, tries: 0 })),
    /** The first outcome of an attempt stands: an error while cleaning up does not change it. */
    fail: assign(({ context, event }, params: { phase: Step }) => {
      const { kind, message, command, exitCode, inDoubt } = errorOf(event);
      const error: Failure = {
        phase: params.phase,
        kind,
        message,
        ...(command === undefined ? {} : { command }),
        ...(exitCode === undefined ? {} : { exitCode }),
      };
      const status = kind === 'timeout' ? ('timedOut' as const) : ('failed' as const);
      // A create that failed for good may have succeeded in an earlier try: then its effect is still in doubt (I3).
      return {
        ...noPendingStep,
        // A refused start has not happened: there is nothing to stop and no output to read.
        started:
          context.started &&
          !(params.phase === 'starting' && permanentFailureKinds.includes(kind) && !inDoubt),
        inDoubt: inDoubt || (context.containerId === null && context.inDoubt && context.pendingStep !== null),
        outcome: context.outcome ?? { status, exitCode: null, error },
      };
    }),
    leaveBehind: assign(({ context, event }) => {
      const outcome = outcomeOf(context);
      const message = `the container may be left behind: ${errorOf(event).message}`;
      return {
        outcome: {
          ...outcome,
          error: outcome.error ?? { phase: 'removing', kind: 'infrastructure' as const, message },
        },
      };
    }),
    /** Cancel the attempt: sets its outcome unless one is known. */
    cancel: assign(({ context }) => ({
      cancelled: true,
      ...noPendingStep,
      outcome: context.outcome ?? cancelledOutcome,
    })),
    /** Cancel an agent whose attempt has ended: replaces the outcome of that attempt. */
    cancelBetweenAttempts: assign({ cancelled: true, outcome: cancelledOutcome }),
    /** A cancelled agent is not checked, and work that was not checked has not succeeded. */
    withdrawUnchecked: assign(({ context }) =>
      context.cancelled && isUnchecked(context) ? { outcome: cancelledOutcome } : {},
    ),
    /** Only note the cancel: changes neither the outcome nor the pending step. */
    noteCancel: assign({ cancelled: true }),
    setImage: assign(({ event }) => ({ image: outputOf<{ image: string }>(event).image })),
    setContainer: assign(({ event }) => ({
      containerId: outputOf<{ containerId: string }>(event).containerId,
      inDoubt: false,
    })),
    // Write ahead (I3): until `docker create` returns, a container may exist whose id is unknown.
    noteCreate: assign({ inDoubt: true }),
    // Write ahead (I3): a start whose result was lost may have happened.
    noteStart: assign({ started: true }),
    setInjectedAt: assign(({ event }) => ({
      injectedAt: outputOf<{ injectedAt: number }>(event).injectedAt,
    })),
    setEnd: assign(({ event }) => ({ end: outputOf<End>(event) })),
    timeOut: assign(({ context }) => ({
      outcome: context.outcome ?? {
        status: 'timedOut' as const,
        exitCode: null,
        error: { phase: 'running', kind: 'timeout' as const, message: 'outlived its limit, "timeouts.run"' },
      },
    })),
    setOutcome: assign(({ context, event }) => ({
      outcome:
        context.outcome ??
        toOutcome(context.end, outputOf<{ record: EndRecord | null }>(event).record, context.attempts),
    })),
    setCheckResult: assign(({ context, event }) => {
      const checkResult = outputOf<CheckResult>(event);
      const { round, rounds } = context;
      const outcome = outcomeOfCheck(outcomeOf(context), checkResult, { round, rounds: rounds ?? 1 });
      return { checkResult, outcome };
    }),
    /** The check could not be run: that says nothing about the work. */
    failCheck: assign(({ context, event }) => {
      const { kind, message } = errorOf(event);
      const { exitCode } = outcomeOf(context);
      const error = { phase: 'checking', kind, message: `its check could not be run: ${message}` };
      return { ...noPendingStep, outcome: { status: 'failed' as const, exitCode, error } };
    }),
    ensureOutcome: assign(({ context }) => ({ outcome: outcomeOf(context) })),
    /** An attempt is evaluated once more after its check. */
    endAttempt: assign(({ context }) =>
      context.attempts.at(-1)?.attempt === context.attempt
        ? {}
        : { attempts: [...context.attempts, attemptResult(context)] },
    ),
    emitAttemptEnded: emit(({ context }) => ({
      type: 'attempt.ended' as const,
      ...attemptResult(context),
      image: context.image,
    })),
    scheduleAttempt: assign(({ context }) => ({ waitEndsAt: nextAttemptAt(context) })),
    nextAttempt: assign(({ context }) => ({ ...newAttempt, attempt: context.attempt + 1 })),
    /** A round begins with an attempt, which starts from the saved work of the last one. */
    nextRound: assign(({ context }) => ({
      ...newAttempt,
      attempt: context.attempt + 1,
      round: context.round + 1,
    })),
  },
});
