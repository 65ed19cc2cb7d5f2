import type { RunEvent } from '../events.ts';
import type { AgentPath, Graph, GraphNode, Taken } from './graph.ts';

/** Return the path of one agent through its chart, from the journal. */
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
    // The start of a resumed agent is not a transition.
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

/** Return a state and the states around it, innermost first: `running.working`, `running`. */
function withAncestors(state: string): string[] {
  const words = state.split('.');
  return words.map((_, index) => words.slice(0, words.length - index).join('.'));
}

/** Return the states that are entered: not `running` itself between two of its children. */
function enteredStates(before: string | null, after: string): string[] {
  const left = new Set(before === null ? [] : withAncestors(before));
  return withAncestors(after).filter(id => id === after || !left.has(id));
}

/** Return the edge of the chart between two states of the journal; if there is none, the transition as journaled. */
function transition(graph: Graph, before: string, after: string, event: string): Omit<Taken, 'count'> {
  const from = withAncestors(before);
  const candidates = graph.edges
    .filter(({ source, target }) => from.includes(source) && initialLeaf(graph, target) === after)
    // An eventless transition follows one by an event, and is journaled with that event.
    .filter(edge => edge.event === event || edge.event === null)
    .sort((a, b) => Number(a.event === null) - Number(b.event === null))
    .sort((a, b) => from.indexOf(a.source) - from.indexOf(b.source));
  const { source, target, event: word } = candidates[0] ?? { source: before, target: after, event };
  return { source, target, event: word };
}

/** Return the state that is entered with this one: the innermost initial child. */
function initialLeaf(graph: Graph, id: string): string {
  const node: GraphNode | undefined = graph.nodes.find(node => node.id === id);
  return node?.initial ? initialLeaf(graph, node.initial) : id;
}
