import type { AgentState } from '../state/flow-state.ts';

/** The agents of a run that fit on a terminal. */
export interface AgentsInView {
  readonly shown: readonly AgentState[];
  /** Agents that are only counted, in the order in which they would be shown. */
  readonly folded: readonly AgentState[];
}

/**
 * Choose the agents to show on `room` lines. If all fit, they are shown in the order of the spec. Otherwise one line is
 * reserved for counts, and active agents come first, then failed ones, each in the order of the spec; the rest is folded.
 * An agent that waits for the user is folded last.
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

const waitsForUser: readonly string[] = ['running.needsInput', 'awaitingApproval'];
const mostUrgent = -1;
const urgency = (agent: AgentState) =>
  agent.status === null && waitsForUser.includes(agent.state) ? mostUrgent : rank(agent);

/** Sort stably, in one pass: a frame is drawn several times a second. */
function inOrder(agents: readonly AgentState[], by: (agent: AgentState) => number): AgentState[] {
  const groups: AgentState[][] = Array.from({ length: ranks.over - mostUrgent + 1 }, () => []);
  for (const agent of agents) groups[by(agent) - mostUrgent]!.push(agent);
  return groups.flat();
}
