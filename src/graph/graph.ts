import type { AgentState } from '../state/agent-state.ts';

/** A statechart or a flow as plain data, printed by `agent-flow graph --json`. The format is stable. */
export interface Graph {
  readonly version: 1;
  /** `machine`: nodes are states, edges transitions. `flow`: nodes are agents, edges lead from a dependency to its dependents. */
  readonly kind: 'machine' | 'flow';
  /** `agent`, `flow`, or the name of a spec's flow. */
  readonly name: string;
  /** The initial state of a machine; null for a flow. */
  readonly initial: string | null;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** The path of one run, if one was given. */
  readonly path?: AgentPath | FlowPath;
}

export interface GraphNode {
  /** `running`, `running.working`, or the agent's name. */
  readonly id: string;
  /** The parent state; null at the top level. */
  readonly parent: string | null;
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history' | 'agent';
  /** The initial child of a compound state. */
  readonly initial: string | null;
  /** The actors that a state invokes. */
  readonly invokes: readonly string[];
  /** The condition of an agent. */
  readonly when?: string;
  /** The list of an agent that becomes one for each of its items. */
  readonly forEach?: string;
  /** The values of an agent that comes from a matrix. */
  readonly matrix?: AgentState['matrix'];
}

export interface GraphEdge {
  readonly source: string;
  /** Same as `source` for a transition with actions only. */
  readonly target: string;
  /** The event as in the journal: `CANCEL`, `reconcile done`, `reconcile failed`; null for an eventless transition. */
  readonly event: string | null;
  /** For a flow: the result that the dependent needs, if it is not `succeeded`. */
  readonly guard: string | null;
  /** Parameters of the guard. */
  readonly params: Readonly<Record<string, unknown>> | null;
  readonly actions: readonly string[];
}

/** The path of one agent through its machine. */
export interface AgentPath {
  readonly runId: string;
  readonly agent: string;
  readonly attempt: number;
  /** The current or last state; null if the agent never started. */
  readonly current: string | null;
  /** The number of times that each state, or one inside it, was entered. */
  readonly visited: Readonly<Record<string, number>>;
  /** The number of times that each transition was taken. The journal does not record which guard allowed it. */
  readonly transitions: readonly Taken[];
}

export interface Taken {
  readonly source: string;
  readonly target: string;
  readonly event: string | null;
  readonly count: number;
}

/** The states of the agents of one run. */
export interface FlowPath {
  readonly runId: string;
  readonly agents: Readonly<
    Record<
      string,
      { readonly status: AgentState['status']; readonly state: string; readonly attempt: number }
    >
  >;
}
