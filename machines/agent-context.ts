import type {
  AgentContext,
  AgentInput,
  AgentOutput,
  AttemptResult,
  Entry,
  StepInput,
} from './agent-types.ts';
import type { Outcome } from './outcome.ts';
import { toOutcome } from './to-outcome.ts';

/** Part of a context without a pending step. */
export const noPendingStep = { pendingStep: null, tries: 0 } as const;

export const betweenAttempts: readonly Entry[] = ['retrying', 'waitingForQuota'];
/** Entries from which a cancelled attempt has to be stopped. */
export const entriesBeforeStopping: readonly Entry[] = [
  'placing',
  'building',
  'starting',
  'waitingForTmux',
  'running',
];

export const initialContext = ({ name, retries, keep, isScheduled = false }: AgentInput): AgentContext => ({
  name,
  retries,
  keep,
  isScheduled,
  attempt: 1,
  image: null,
  containerId: null,
  started: false,
  injectedAt: null,
  end: null,
  outcome: null,
  attempts: [],
  ...noPendingStep,
  waitEndsAt: 0,
  inDoubt: false,
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
  containerId: context.containerId,
  image: context.image,
  injectedAt: context.injectedAt,
  inDoubt: context.inDoubt,
  cancelled: context.cancelled,
});
