import type { FlowState } from '../state/flow-state.ts';
import type { FlowPath, Graph } from './graph.ts';

interface Waiting {
  readonly name: string;
  readonly dependsOn: readonly string[];
}

/** Return the agents of a flow with their dependencies. */
export function flowGraph(name: string, agents: readonly Waiting[]): Graph {
  return {
    version: 1,
    kind: 'flow',
    name,
    initial: null,
    nodes: agents.map(({ name }) => ({ id: name, parent: null, type: 'agent', initial: null, invokes: [] })),
    edges: agents.flatMap(({ name, dependsOn }) =>
      dependsOn.map(source => ({
        source,
        target: name,
        event: null,
        guard: null,
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
