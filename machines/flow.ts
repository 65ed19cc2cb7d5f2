import { enqueueActions, fromPromise, setup } from 'xstate';
import { agentMachine } from './agent.ts';
import type { AgentInput, AgentOutput } from './agent-types.ts';
import { approvalMachine } from './approval.ts';
import {
  applyCondition,
  type ConditionInput,
  type ConditionResult,
  settleDependants,
} from './flow-dependencies.ts';
import { membersFor } from './flow-expansion.ts';
import {
  type AgentPhase,
  cancelWaiting,
  endAgent,
  haveAllEnded,
  indexOf,
  initialSchedule,
  inPhase,
  outputsOf,
  phaseOf,
  type Schedule,
} from './flow-schedule.ts';
import { startReady } from './flow-start.ts';

export interface FlowInput {
  readonly agents: readonly AgentInput[];
  /** Maximum number of agents to start at once. */
  readonly concurrency: number;
  /** The same for the agents of each host, by its name; `''` is the engine of the run. Default: no other maximum. */
  readonly hostConcurrency?: Readonly<Record<string, number>>;
}

export type FlowContext = Schedule;

export interface FlowOutput {
  readonly agents: Readonly<Record<string, AgentOutput>>;
}

type ActorDone = { type: 'xstate.done.actor.*'; output: AgentOutput | ConditionResult };

export type FlowMachineEvent =
  | { type: 'CANCEL'; reason: string }
  | { type: 'CANCEL_AGENT'; name: string; reason: string }
  | { type: 'HOST_LOST'; name: string }
  | { type: 'KILL' }
  | ActorDone;

/** Return the agents that an event is for: one, or those that it has become, or all in this phase. */
function addressees(context: FlowContext, event: FlowMachineEvent, phase: AgentPhase): readonly number[] {
  if (!('name' in event)) return inPhase(context, phase);
  const index = indexOf(context, event.name);
  if (index === null) return [];
  return membersFor(context, index).filter(member => phaseOf(context, member) === phase);
}

/** No agent has such a name. */
const conditionId = (agent: string) => `when:${agent}`;

const machineSetup = setup({
  types: {} as {
    input: FlowInput;
    output: FlowOutput;
    context: FlowContext;
    events: FlowMachineEvent;
    children: Record<string, 'agent' | 'approval' | 'condition'>;
    emitted: { type: 'agent.notStarted'; output: AgentOutput };
  },
  actors: {
    agent: agentMachine,
    approval: approvalMachine,
    /** Evaluates the condition of an agent that is `isConditional`. Must not reject. */
    condition: fromPromise<ConditionResult, ConditionInput>(() =>
      Promise.reject(new Error('no actor provided for condition')),
    ),
  },
  guards: {
    haveAllEnded: ({ context }) => haveAllEnded(context),
  },
  actions: {
    noteDone: enqueueActions(({ context, event, enqueue }) => {
      const { output } = event as ActorDone;
      if ('holds' in output) {
        const { schedule, outputs } = applyCondition(context, output);
        enqueue.assign(schedule);
        for (const output of outputs) enqueue.emit({ type: 'agent.notStarted', output });
        enqueue.stopChild(conditionId(output.agent));
        return;
      }
      enqueue.assign(endAgent(context, output));
      // XState copies the children with each one that is added, and keeps those that are done.
      enqueue.stopChild(output.name);
    }),
    advance: enqueueActions(({ context, enqueue }) => {
      const { schedule, outputs, conditions } = settleDependants(context);
      const { schedule: next, started } = startReady(schedule);
      for (const output of outputs) enqueue.emit({ type: 'agent.notStarted', output });
      enqueue.assign(({ spawn }) => {
        for (const input of conditions) spawn('condition', { id: conditionId(input.agent), input });
        for (const agent of started)
          if (agent.isApproval) spawn('approval', { id: agent.name, input: { name: agent.name } });
          else spawn('agent', { id: agent.name, input: agent });
        return next;
      });
    }),
    cancelWaiting: enqueueActions(({ context, event, enqueue }) => {
      const waiting = addressees(context, event, 'waiting');
      const { schedule, outputs } = cancelWaiting(context, waiting);
      enqueue.assign(schedule);
      for (const output of outputs) enqueue.emit({ type: 'agent.notStarted', output });
    }),
    forwardToRunning: enqueueActions(({ context, event, enqueue }) => {
      for (const index of addressees(context, event, 'started')) {
        const { name, expandsTo } = context.agents[index]!;
        if (expandsTo !== undefined) continue;
        if (event.type === 'KILL' || event.type === 'HOST_LOST') enqueue.sendTo(name, { type: event.type });
        else if (event.type === 'CANCEL' || event.type === 'CANCEL_AGENT')
          enqueue.sendTo(name, { type: 'CANCEL', reason: event.reason });
      }
    }),
  },
});

/**
 * A flow, as an XState machine: it spawns `agentMachine` for each agent whose dependencies have the results that it needs
 * (by default, have succeeded) and whose condition holds, at most `concurrency` at once, and skips agents that can never
 * start. `CANCEL`, `CANCEL_AGENT` and `KILL` end it early. Its output is the `AgentOutput` of every agent, by name.
 *
 * @example
 * ```ts
 * import { agentMachine, flowMachine, type Reconciliation, type StepInput } from 'agent-flow';
 * import { createActor, fromPromise, toPromise } from 'xstate';
 *
 * // An agent that fails at its first step, and one that depends on it.
 * const agent = agentMachine.provide({
 *   actors: { reconcile: fromPromise<Reconciliation, StepInput>(() => Promise.reject(new Error('no engine here'))) },
 * });
 * const agents = [
 *   { name: 'fixer', dependsOn: [], retries: 0, keep: 'never' },
 *   { name: 'tests', dependsOn: ['fixer'], retries: 0, keep: 'never' },
 * ] as const;
 * const machine = flowMachine.provide({ actors: { agent } });
 * const output = await toPromise(createActor(machine, { input: { agents, concurrency: 2 } }).start());
 * console.log(output.agents.fixer?.status, output.agents.tests?.status); // failed skipped
 * ```
 */
export const flowMachine = machineSetup.createMachine({
  id: 'flow',
  context: ({ input }) => initialSchedule(input),
  initial: 'running',
  states: {
    running: {
      entry: 'advance',
      always: { guard: 'haveAllEnded', target: 'done' },
      on: {
        'xstate.done.actor.*': { actions: ['noteDone', 'advance'] },
        CANCEL_AGENT: { actions: ['cancelWaiting', 'forwardToRunning', 'advance'] },
        HOST_LOST: { actions: 'forwardToRunning' },
        CANCEL: { target: 'cancelling', actions: ['cancelWaiting', 'forwardToRunning', 'advance'] },
        KILL: { target: 'cancelling', actions: ['cancelWaiting', 'forwardToRunning', 'advance'] },
      },
    },
    // No agent waits any more, so that none is started; agents that were started stop.
    cancelling: {
      always: { guard: 'haveAllEnded', target: 'done' },
      on: {
        'xstate.done.actor.*': { actions: ['noteDone', 'advance'] },
        CANCEL: { actions: 'forwardToRunning' },
        KILL: { actions: 'forwardToRunning' },
        HOST_LOST: { actions: 'forwardToRunning' },
      },
    },
    done: { type: 'final' },
  },
  output: ({ context }) => ({ agents: outputsOf(context) }),
});
