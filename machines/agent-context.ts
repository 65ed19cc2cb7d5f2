import type {
  AgentContext,
  AgentInput,
  AgentOutput,
  AttemptResult,
  Entry,
  StepInput,
} from './agent-types.ts';
import { isNotPassed } from './check.ts';
import type { Outcome } from './outcome.ts';
import { toOutcome } from './to-outcome.ts';

/** Part of a context without a pending step. */
export const noPendingStep = { pendingStep: null, tries: 0 } as const;

export const betweenAttempts: readonly Entry[] = ['checking', 'retrying', 'waitingForQuota'];
/** Entries from which a cancelled attempt has to be stopped. */
export const entriesBeforeStopping: readonly Entry[] = [
  'placing',
  'building',
  'starting',
  'waitingForTmux',
  'running',
];

export const initialContext = ({
  name,
  retries,
  keep,
  isScheduled = false,
  check,
}: AgentInput): AgentContext => ({
  name,
  retries,
  keep,
  isScheduled,
  rounds: check?.rounds ?? null,
  round: 1,
  attempt: 1,
  image: null,
  ...newAttempt,
  attempts: [],
  waitEndsAt: 0,
  cancelled: false,
});

export const agentOutput = (context: AgentContext): AgentOutput => ({
  name: context.name,
  ...outcomeOf(context),
  containerId: context.containerId,
  image: context.image,
  attempts: context.attempts,
});

export const attemptResult = (context: AgentContext): AttemptResult => ({
  attempt: context.attempt,
  containerId: context.containerId,
  ...outcomeOf(context),
});

export const outcomeOf = ({ outcome, end }: AgentContext): Outcome => outcome ?? toOutcome(end, null);

export const stepInput = ({ context }: { context: AgentContext }): StepInput => ({
  name: context.name,
  attempt: context.attempt,
  round: context.round,
  containerId: context.containerId,
  image: context.image,
  injectedAt: context.injectedAt,
  inDoubt: context.inDoubt,
  cancelled: context.cancelled,
});

/** Part of a context at the beginning of an attempt. */
export const newAttempt = {
  containerId: null,
  started: false,
  injectedAt: null,
  end: null,
  outcome: null,
  checkResult: null,
  inDoubt: false,
  ...noPendingStep,
} as const;

/** Return whether the current attempt succeeded, and its work was not checked yet. */
export const isUnchecked = ({ rounds, outcome, checkResult }: AgentContext) =>
  rounds !== null && checkResult === null && outcome?.status === 'succeeded';

export const hasRoundsLeft = ({ rounds, round, checkResult, cancelled }: AgentContext) =>
  rounds !== null && isNotPassed(checkResult) && round < rounds && !cancelled;
