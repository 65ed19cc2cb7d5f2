import type { AgentState } from '../state/agent-state.ts';
import type { FlowState } from '../state/flow-state.ts';
import type { FlowPath, Graph } from './graph.ts';

type Waiting = Pick<AgentState, 'name' | 'dependsOn' | 'on' | 'when' | 'matrix'>;

/** Return the agents of a flow with their dependencies. */
export function flowGraph(name: string, agents: readonly Waiting[]): Graph {
  return {
    version: 1,
    kind: 'flow',
    name,
    initial: null,
    nodes: agents.map(({ name, when, matrix }) => ({
      ...{ id: name, parent: null, type: 'agent', initial: null, invokes: [] },
      ...(when === undefined ? {} : { when }),
      ...(matrix === undefined ? {} : { matrix }),
    })),
    edges: agents.flatMap(({ name, dependsOn, on = {} }) =>
      dependsOn.map(source => ({
        source,
        target: name,
        event: null,
        guard: Object.hasOwn(on, source) ? on[source]! : null,
        params: null,
        actions: [],
      })),
    ),
  };
}

export function flowPath({ runId, agents }: FlowState): FlowPath {
  const states = Object.values(agents).map(
    ({ name, status, state, attempt }) => [name, { status, state, attempt }] as const,
  );
  return { runId, agents: Object.fromEntries(states) };
}
