import type { RunEvent } from '../events.ts';
import type { AgentPath, Graph, GraphNode, Taken } from './graph.ts';

/** The way of one agent through its chart, out of the journal. */
export function agentPath(
  graph: Graph,
  { runId, agent }: Pick<AgentPath, 'runId' | 'agent'>,
  events: readonly RunEvent[],
): AgentPath {
  const visited = new Map<string, number>();
  const transitions = new Map<string, Taken>();
  let current: string | null = null;
  let attempt = 1;
  for (const event of events) {
    if (event.type !== 'agent.state' || event.agent !== agent) continue;
    // A resumed agent begins anew: that is no transition.
    const before = event.event === 'init' ? null : current;
    for (const id of enteredStates(before, event.state)) visited.set(id, (visited.get(id) ?? 0) + 1);
    if (before !== null) {
      const taken = transition(graph, before, event.state, event.event);
      const key = JSON.stringify([taken.source, taken.target, taken.event]);
      transitions.set(key, { ...taken, count: (transitions.get(key)?.count ?? 0) + 1 });
    }
    current = event.state;
    attempt = Math.max(attempt, event.attempt);
  }
  return {
    runId,
    agent,
    attempt,
    current,
    visited: Object.fromEntries(visited),
    transitions: [...transitions.values()],
  };
}

/** `running.working` is in `running`; one goes from the inside to the outside. */
function withAncestors(state: string): string[] {
  const words = state.split('.');
  return words.map((_, index) => words.slice(0, words.length - index).join('.'));
}

/** Between two states of `running`, `running` itself is not entered again. */
function enteredStates(before: string | null, after: string): string[] {
  const left = new Set(before === null ? [] : withAncestors(before));
  return withAncestors(after).filter(id => id === after || !left.has(id));
}

/** The chart's edge from one state of the journal to the next; as the journal has it, where the chart has none. */
function transition(graph: Graph, before: string, after: string, event: string): Omit<Taken, 'count'> {
  const from = withAncestors(before);
  const candidates = graph.edges
    .filter(({ source, target }) => from.includes(source) && initialLeaf(graph, target) === after)
    // What needs no event follows upon one that led elsewhere, and is noted under its name.
    .filter(edge => edge.event === event || edge.event === null)
    .sort((a, b) => Number(a.event === null) - Number(b.event === null))
    .sort((a, b) => from.indexOf(a.source) - from.indexOf(b.source));
  const { source, target, event: word } = candidates[0] ?? { source: before, target: after, event };
  return { source, target, event: word };
}

/** Who enters a compound state finds itself in the one that it begins with. */
function initialLeaf(graph: Graph, id: string): string {
  const node: GraphNode | undefined = graph.nodes.find(node => node.id === id);
  return node?.initial ? initialLeaf(graph, node.initial) : id;
}
