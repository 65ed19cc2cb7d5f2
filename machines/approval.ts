import { assign, fromPromise, setup } from 'xstate';
import type { AgentInput, AgentOutput } from './agent-types.ts';
import {
  type ApprovalContext,
  type ApprovalEvent,
  type Decision,
  type DecisionInput,
  decisionText,
  type RequestedApproval,
} from './approval-types.ts';
import type { Outcome } from './outcome.ts';

const cancelled: Outcome = { status: 'cancelled', exitCode: null, error: null };

const machineSetup = setup({
  types: {} as {
    input: Pick<AgentInput, 'name'>;
    output: AgentOutput;
    context: ApprovalContext;
    events: ApprovalEvent;
  },
  actors: {
    /** Journals the approval and when it ends, unless it is recorded already. Must not reject. */
    requestApproval: fromPromise<RequestedApproval, Pick<AgentInput, 'name'>>(() =>
      Promise.reject(new Error('no actor provided for requestApproval')),
    ),
    /** Resolves with the first decision, once it is in the journal; after `until` with the default. Must not reject. */
    awaitDecision: fromPromise<Decision, DecisionInput>(() =>
      Promise.reject(new Error('no actor provided for awaitDecision')),
    ),
  },
});

/**
 * An approval, as an XState machine: an agent of a flow without a container. It waits for the decision of the user, or for
 * the end of its time. An approval that is resumed goes through the same states.
 */
export const approvalMachine = machineSetup.createMachine({
  id: 'approval',
  context: ({ input: { name } }) => ({
    ...{ name, attempt: 1, containerId: null, injectedAt: null, waitEndsAt: 0 },
    outcome: cancelled,
  }),
  initial: 'requesting',
  on: { CANCEL: '.done', KILL: '.done' },
  states: {
    requesting: {
      tags: 'startup',
      invoke: {
        id: 'requestApproval',
        src: 'requestApproval',
        input: ({ context: { name } }) => ({ name }),
        onDone: [
          {
            guard: ({ event }) => event.output.decision !== null,
            target: 'done',
            actions: assign({ outcome: ({ event }) => decidedOutcome(event.output.decision!) }),
          },
          { guard: ({ event }) => event.output.cancelled, target: 'done' },
          {
            target: 'awaitingApproval',
            actions: assign({ waitEndsAt: ({ event }) => event.output.until }),
          },
        ],
      },
    },
    awaitingApproval: {
      tags: ['waiting', 'timed'],
      invoke: {
        id: 'awaitDecision',
        src: 'awaitDecision',
        input: ({ context: { name, waitEndsAt } }) => ({ name, until: waitEndsAt }),
        onDone: {
          target: 'done',
          actions: assign({ outcome: ({ event }) => decidedOutcome(event.output) }),
        },
      },
    },
    done: { type: 'final' },
  },
  output: ({ context: { name, outcome } }) => ({
    name,
    ...outcome,
    containerId: null,
    image: null,
    attempts: [],
  }),
});

/** Return the outcome of an approval with this decision. */
function decidedOutcome(decision: Decision): Outcome {
  if (decision.decision === 'approved') return { status: 'succeeded', exitCode: null, error: null };
  const message = decisionText(decision);
  return {
    status: 'failed',
    exitCode: null,
    error: { phase: 'awaitingApproval', kind: 'rejected', message },
  };
}
