import type { AgentState } from '../state/agent-state.ts';
import type { FlowState } from '../state/flow-state.ts';
import type { FlowPath, Graph } from './graph.ts';

type Waiting = Pick<AgentState, 'name' | 'dependsOn' | 'on' | 'when' | 'matrix'> & {
  readonly item?: Pick<NonNullable<AgentState['item']>, 'of'>;
  /** The list of an agent with `forEach`: in a plan, or in the state of a run. */
  readonly items?: string;
  readonly forEach?: Pick<NonNullable<AgentState['forEach']>, 'items'>;
};

/** Return the agents of a flow with their dependencies. */
export function flowGraph(name: string, agents: readonly Waiting[]): Graph {
  return {
    version: 1,
    kind: 'flow',
    name,
    initial: null,
    nodes: agents.map(({ name, when, matrix, forEach, items = forEach?.items }) => ({
      ...{ id: name, parent: null, type: 'agent', initial: null, invokes: [] },
      ...(when === undefined ? {} : { when }),
      ...(items === undefined ? {} : { forEach: items }),
      ...(matrix === undefined ? {} : { matrix }),
    })),
    // The dependencies of an agent for an item are drawn at the one that becomes it.
    edges: agents.flatMap(({ name, dependsOn, on = {}, item }) =>
      (item === undefined ? dependsOn : [item.of]).map(source => ({
        source,
        target: name,
        event: null,
        guard: item === undefined && Object.hasOwn(on, source) ? on[source]! : null,
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
