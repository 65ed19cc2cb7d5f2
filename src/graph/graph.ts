import type { AgentState } from '../state/agent-state.ts';

/** A statechart or a flow as plain data. `agent-flow graph --json` prints it; what is here stays as it is. */
export interface Graph {
  readonly version: 1;
  /** `machine`: nodes are states, edges transitions. `flow`: nodes are agents, edges lead from what is waited for. */
  readonly kind: 'machine' | 'flow';
  /** `agent`, `flow`, or what the flow of a spec is called. */
  readonly name: string;
  /** The node that a machine begins in; null of a flow. */
  readonly initial: string | null;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** What came to pass in one run, where one was named. */
  readonly path?: AgentPath | FlowPath;
}

export interface GraphNode {
  /** `running`, `running.working`, or the agent's name. */
  readonly id: string;
  /** The state around this one; null at the top. */
  readonly parent: string | null;
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history' | 'agent';
  /** The state in it that a compound one begins in. */
  readonly initial: string | null;
  /** The actors that a state invokes. */
  readonly invokes: readonly string[];
}

export interface GraphEdge {
  readonly source: string;
  /** The same as `source` where nothing but actions follow. */
  readonly target: string;
  /** As the journal has it: `CANCEL`, `reconcile done`, `reconcile failed`; null where none is needed. */
  readonly event: string | null;
  readonly guard: string | null;
  /** What the guard is told. */
  readonly params: Readonly<Record<string, unknown>> | null;
  readonly actions: readonly string[];
}

/** The way that one agent went through its machine. */
export interface AgentPath {
  readonly runId: string;
  readonly agent: string;
  readonly attempt: number;
  /** The node that it is in, or was left in; null where it never started. */
  readonly current: string | null;
  /** How often each state was entered, those around it included. */
  readonly visited: Readonly<Record<string, number>>;
  /** How often it went that way. The journal does not tell which of several guards let it pass. */
  readonly transitions: readonly Taken[];
}

export interface Taken {
  readonly source: string;
  readonly target: string;
  readonly event: string | null;
  readonly count: number;
}

/** How the agents of one run stand. */
export interface FlowPath {
  readonly runId: string;
  readonly agents: Readonly<
    Record<
      string,
      { readonly status: AgentState['status']; readonly state: string; readonly attempt: number }
    >
  >;
}
