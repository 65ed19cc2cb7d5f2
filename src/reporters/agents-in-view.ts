import type { AgentState } from '../state/flow-state.ts';

/** The agents of a run that a terminal has room for. */
export interface AgentsInView {
  readonly shown: readonly AgentState[];
  /** Those that are only counted, in the order in which they would be shown. */
  readonly folded: readonly AgentState[];
}

/**
 * Choose the agents to show on so many lines. All are shown, in the order of the spec, where there is room. Otherwise one
 * line is left for the counts, and of the others the active agents come first, then those that failed, each in that order;
 * the rest is folded. One that needs input is the last to go.
 */
export function agentsInView(agents: readonly AgentState[], room: number): AgentsInView {
  if (agents.length <= room) return { shown: agents, folded: [] };
  const most = Math.max(0, room - 1);
  const urgent = new Set(inOrder(agents, urgency).slice(0, most));
  const shown = agents.filter(agent => urgent.has(agent) && rank(agent) <= ranks.failed);
  const isShown = new Set(shown);
  return {
    shown: inOrder(shown, rank),
    folded: inOrder(
      agents.filter(agent => !isShown.has(agent)),
      rank,
    ),
  };
}

const ranks = { active: 0, failed: 1, waiting: 2, over: 3 } as const;

function rank({ status, state }: AgentState): number {
  if (status === 'failed' || status === 'timedOut') return ranks.failed;
  if (status !== null) return ranks.over;
  return state === 'waiting' ? ranks.waiting : ranks.active;
}

const urgency = (agent: AgentState) =>
  agent.status === null && agent.state === 'running.needsInput' ? -1 : rank(agent);

/** Equals keep the order that they have. */
const inOrder = (agents: readonly AgentState[], by: (agent: AgentState) => number) =>
  agents.toSorted((a, b) => by(a) - by(b));
