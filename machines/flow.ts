import { assign, enqueueActions, setup } from 'xstate';
import { agentMachine } from './agent.ts';
import type { AgentInput, AgentOutput } from './agent-types.ts';
import type { Status } from './outcome.ts';

/**
 * A flow: agents that wait for one another. Each is started when all that it depends on have succeeded and a place
 * is free; one whose dependency came out otherwise is skipped.
 */

export interface FlowInput {
  readonly agents: readonly AgentInput[];
  readonly concurrency: number;
}

/** Where an agent of the flow stands: not started yet, spawned, or how it came out. */
type AgentPhase = 'waiting' | 'started' | Status;

export interface FlowContext {
  readonly agents: readonly AgentInput[];
  readonly concurrency: number;
  readonly standing: Readonly<Record<string, AgentPhase>>;
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

const over = (standing: AgentPhase | undefined) => standing !== 'waiting' && standing !== 'started';

const findResourceExhaustion = ({ outputs }: FlowContext) =>
  Object.values(outputs).find(({ status, error }) => status === 'failed' && error?.kind === 'outOfResources')
    ?.name;

/** What can be said of the waiting agents now: who is skipped (with all that depend on them), who may start. */
function schedule(context: FlowContext): { skipped: string[]; startable: AgentInput[] } {
  const standing: Record<string, AgentPhase> = { ...context.standing };
  // What has no room left for one has none for the next: nobody else is started to find that out.
  if (findResourceExhaustion(context)) return { skipped: waiting(context), startable: [] };
  const skipped: string[] = [];
  for (let found = true; found; ) {
    found = false;
    for (const { name, dependsOn } of context.agents) {
      const lost = dependsOn.some(on => over(standing[on]) && standing[on] !== 'succeeded');
      if (standing[name] !== 'waiting' || !lost) continue;
      standing[name] = 'skipped';
      skipped.push(name);
      found = true;
    }
  }
  const free = context.concurrency - Object.values(standing).filter(state => state === 'started').length;
  const startable = context.agents
    .filter(
      agent =>
        standing[agent.name] === 'waiting' && agent.dependsOn.every(on => standing[on] === 'succeeded'),
    )
    .slice(0, Math.max(0, free));
  return { skipped, startable };
}

/** The output of an agent that never got to live. */
function skippedOutput(
  agent: AgentInput,
  context: FlowContext,
  status: 'skipped' | 'cancelled',
): AgentOutput {
  const lost = agent.dependsOn.filter(
    on => over(context.standing[on]) && context.standing[on] !== 'succeeded',
  );
  const full = findResourceExhaustion(context);
  const why =
    full && lost.length === 0
      ? { kind: 'outOfResources' as const, message: `not started: Docker has no room left, as ${full} found` }
      : { kind: 'dependency' as const, message: `depends on ${lost.join(', ')}, which did not succeed` };
  const error = status === 'skipped' ? { phase: 'waiting', ...why } : null;
  return { name: agent.name, status, exitCode: null, error, containerId: null, image: null, attempts: [] };
}

const settle = (context: FlowContext, names: readonly string[], status: 'skipped' | 'cancelled') => {
  const outputs = { ...context.outputs };
  const standing: Record<string, AgentPhase> = { ...context.standing };
  for (const name of names) standing[name] = status;
  for (const agent of context.agents)
    if (names.includes(agent.name))
      outputs[agent.name] = skippedOutput(agent, { ...context, standing }, status);
  return { outputs, standing };
};

const waiting = (context: FlowContext) =>
  context.agents.map(({ name }) => name).filter(name => context.standing[name] === 'waiting');

const machineSetup = setup({
  types: {} as {
    input: FlowInput;
    output: FlowOutput;
    context: FlowContext;
    events: FlowMachineEvent;
    children: Record<string, 'agent'>;
    emitted: { type: 'agent.unstarted'; output: AgentOutput };
  },
  actors: { agent: agentMachine },
  guards: {
    isOver: ({ context }) => context.agents.every(({ name }) => over(context.standing[name])),
  },
  actions: {
    noteDone: assign(({ context, event }) => {
      const { output } = event as AgentDone;
      return {
        standing: { ...context.standing, [output.name]: output.status },
        outputs: { ...context.outputs, [output.name]: output },
      };
    }),
    advance: enqueueActions(({ context, enqueue }) => {
      const { skipped, startable } = schedule(context);
      const settled = settle(context, skipped, 'skipped');
      enqueue.assign(settled);
      for (const name of skipped) enqueue.emit({ type: 'agent.unstarted', output: settled.outputs[name]! });
      for (const agent of startable) enqueue.spawnChild('agent', { id: agent.name, input: agent });
      const started = Object.fromEntries(startable.map(({ name }) => [name, 'started' as const]));
      enqueue.assign({ standing: { ...settled.standing, ...started } });
    }),
    cancelWaiting: enqueueActions(({ context, event, enqueue }) => {
      const names =
        event.type === 'CANCEL_AGENT'
          ? waiting(context).filter(name => name === event.name)
          : waiting(context);
      const settled = settle(context, names, 'cancelled');
      enqueue.assign(settled);
      for (const name of names) enqueue.emit({ type: 'agent.unstarted', output: settled.outputs[name]! });
    }),
    forwardToRunning: enqueueActions(({ context, event, enqueue }) => {
      for (const { name } of context.agents) {
        if (context.standing[name] !== 'started') continue;
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
 * `concurrency` at once, and skips the dependants of one that came out otherwise. `CANCEL`, `CANCEL_AGENT` and `KILL`
 * end it early. Its output is every agent's `AgentOutput`, by name.
 *
 * @example
 * ```ts
 * import { agentMachine, type Decision, flowMachine, type StepInput } from 'agent-flow';
 * import { createActor, fromPromise, toPromise } from 'xstate';
 *
 * // Agents that fail at their first step, to see who is skipped.
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
    standing: Object.fromEntries(input.agents.map(({ name }) => [name, 'waiting'])),
    outputs: {},
  }),
  initial: 'running',
  states: {
    running: {
      entry: 'advance',
      always: { guard: 'isOver', target: 'done' },
      on: {
        'xstate.done.actor.*': { actions: ['noteDone', 'advance'] },
        CANCEL_AGENT: { actions: ['cancelWaiting', 'forwardToRunning', 'advance'] },
        CANCEL: { target: 'cancelling', actions: ['cancelWaiting', 'forwardToRunning'] },
        KILL: { target: 'cancelling', actions: ['cancelWaiting', 'forwardToRunning'] },
      },
    },
    // Nobody is started any more; those that live are on their way out.
    cancelling: {
      always: { guard: 'isOver', target: 'done' },
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
