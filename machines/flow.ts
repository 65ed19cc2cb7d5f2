import { assign, enqueueActions, setup } from 'xstate';
import { agentMachine } from './agent.ts';
import type { AgentInput, AgentOutput } from './agent-types.ts';
import type { Status } from './outcome.ts';

export interface FlowInput {
  readonly agents: readonly AgentInput[];
  /** Maximum number of agents to start at once. */
  readonly concurrency: number;
}

/** The phase of an agent in the flow: not started yet, spawned, or its final status. */
type AgentPhase = 'waiting' | 'started' | Status;

export interface FlowContext {
  readonly agents: readonly AgentInput[];
  readonly concurrency: number;
  readonly phases: Readonly<Record<string, AgentPhase>>;
  readonly outputs: Readonly<Record<string, AgentOutput>>;
}

export interface FlowOutput {
  readonly agents: Readonly<Record<string, AgentOutput>>;
}

type AgentDone = { type: 'xstate.done.actor.*'; output: AgentOutput };

export type FlowMachineEvent =
  | { type: 'CANCEL'; reason: string }
  | { type: 'CANCEL_AGENT'; name: string; reason: string }
  | { type: 'KILL' }
  | AgentDone;

const isEnded = (phase: AgentPhase | undefined) => phase !== 'waiting' && phase !== 'started';

/** Return the name of an agent for which the engine had no resources left. */
const findResourceExhaustion = ({ outputs }: FlowContext) =>
  Object.values(outputs).find(({ status, error }) => status === 'failed' && error?.kind === 'outOfResources')
    ?.name;

/** Return the waiting agents that are skipped, with all of their dependants, and those that may start. */
function schedule(context: FlowContext): { skipped: string[]; startable: AgentInput[] } {
  const phases: Record<string, AgentPhase> = { ...context.phases };
  // An engine without resources for one agent has none for the next.
  if (findResourceExhaustion(context)) return { skipped: waiting(context), startable: [] };
  const skipped: string[] = [];
  for (let found = true; found; ) {
    found = false;
    for (const { name, dependsOn } of context.agents) {
      const lost = dependsOn.some(on => isEnded(phases[on]) && phases[on] !== 'succeeded');
      if (phases[name] !== 'waiting' || !lost) continue;
      phases[name] = 'skipped';
      skipped.push(name);
      found = true;
    }
  }
  const free = context.concurrency - Object.values(phases).filter(phase => phase === 'started').length;
  const startable = context.agents
    .filter(
      agent => phases[agent.name] === 'waiting' && agent.dependsOn.every(on => phases[on] === 'succeeded'),
    )
    .slice(0, Math.max(0, free));
  return { skipped, startable };
}

/** Return the output of an agent that was never started. */
function skippedOutput(
  agent: AgentInput,
  context: FlowContext,
  status: 'skipped' | 'cancelled',
): AgentOutput {
  const lost = agent.dependsOn.filter(
    on => isEnded(context.phases[on]) && context.phases[on] !== 'succeeded',
  );
  const full = findResourceExhaustion(context);
  const reason =
    full && lost.length === 0
      ? { kind: 'outOfResources' as const, message: `not started: Docker has no room left, as ${full} found` }
      : { kind: 'dependency' as const, message: `depends on ${lost.join(', ')}, which did not succeed` };
  const error = status === 'skipped' ? { phase: 'waiting', ...reason } : null;
  return { name: agent.name, status, exitCode: null, error, containerId: null, image: null, attempts: [] };
}

const endUnstarted = (context: FlowContext, names: readonly string[], status: 'skipped' | 'cancelled') => {
  const outputs = { ...context.outputs };
  const phases: Record<string, AgentPhase> = { ...context.phases };
  for (const name of names) phases[name] = status;
  for (const agent of context.agents)
    if (names.includes(agent.name))
      outputs[agent.name] = skippedOutput(agent, { ...context, phases }, status);
  return { outputs, phases };
};

const waiting = (context: FlowContext) =>
  context.agents.map(({ name }) => name).filter(name => context.phases[name] === 'waiting');

const machineSetup = setup({
  types: {} as {
    input: FlowInput;
    output: FlowOutput;
    context: FlowContext;
    events: FlowMachineEvent;
    children: Record<string, 'agent'>;
    emitted: { type: 'agent.notStarted'; output: AgentOutput };
  },
  actors: { agent: agentMachine },
  guards: {
    haveAllEnded: ({ context }) => context.agents.every(({ name }) => isEnded(context.phases[name])),
  },
  actions: {
    noteDone: assign(({ context, event }) => {
      const { output } = event as AgentDone;
      return {
        phases: { ...context.phases, [output.name]: output.status },
        outputs: { ...context.outputs, [output.name]: output },
      };
    }),
    advance: enqueueActions(({ context, enqueue }) => {
      const { skipped, startable } = schedule(context);
      const ended = endUnstarted(context, skipped, 'skipped');
      enqueue.assign(ended);
      for (const name of skipped) enqueue.emit({ type: 'agent.notStarted', output: ended.outputs[name]! });
      for (const agent of startable) enqueue.spawnChild('agent', { id: agent.name, input: agent });
      const started = Object.fromEntries(startable.map(({ name }) => [name, 'started' as const]));
      enqueue.assign({ phases: { ...ended.phases, ...started } });
    }),
    cancelWaiting: enqueueActions(({ context, event, enqueue }) => {
      const names =
        event.type === 'CANCEL_AGENT'
          ? waiting(context).filter(name => name === event.name)
          : waiting(context);
      const ended = endUnstarted(context, names, 'cancelled');
      enqueue.assign(ended);
      for (const name of names) enqueue.emit({ type: 'agent.notStarted', output: ended.outputs[name]! });
    }),
    forwardToRunning: enqueueActions(({ context, event, enqueue }) => {
      for (const { name } of context.agents) {
        if (context.phases[name] !== 'started') continue;
        if (event.type === 'KILL') enqueue.sendTo(name, { type: 'KILL' });
        else if (event.type === 'CANCEL') enqueue.sendTo(name, { type: 'CANCEL', reason: event.reason });
        else if (event.type === 'CANCEL_AGENT' && event.name === name)
          enqueue.sendTo(name, { type: 'CANCEL', reason: event.reason });
      }
    }),
  },
});

/**
 * A flow, as an XState machine: it spawns `agentMachine` for each agent whose dependencies have succeeded, at most
 * `concurrency` at once, and skips the dependants of an agent that did not succeed. `CANCEL`, `CANCEL_AGENT` and `KILL`
 * end it early. Its output is the `AgentOutput` of every agent, by name.
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
  context: ({ input }) => ({
    agents: input.agents,
    concurrency: input.concurrency,
    phases: Object.fromEntries(input.agents.map(({ name }) => [name, 'waiting'])),
    outputs: {},
  }),
  initial: 'running',
  states: {
    running: {
      entry: 'advance',
      always: { guard: 'haveAllEnded', target: 'done' },
      on: {
        'xstate.done.actor.*': { actions: ['noteDone', 'advance'] },
        CANCEL_AGENT: { actions: ['cancelWaiting', 'forwardToRunning', 'advance'] },
        CANCEL: { target: 'cancelling', actions: ['cancelWaiting', 'forwardToRunning'] },
        KILL: { target: 'cancelling', actions: ['cancelWaiting', 'forwardToRunning'] },
      },
    },
    // Nothing is started any more; agents that were started stop.
    cancelling: {
      always: { guard: 'haveAllEnded', target: 'done' },
      on: {
        'xstate.done.actor.*': { actions: 'noteDone' },
        CANCEL: { actions: 'forwardToRunning' },
        KILL: { actions: 'forwardToRunning' },
      },
    },
    done: { type: 'final' },
  },
  output: ({ context }) => ({ agents: context.outputs }),
});
