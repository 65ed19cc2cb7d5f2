import type { RunEvent } from '../events.ts';
import type { Graph } from '../graph/graph.ts';
import type { Layout } from '../graph/positioned.ts';

/** The statechart of agents, as a graph and as a layout. */
export interface AgentChart {
  readonly chart: Graph;
  readonly drawn: Layout;
}

/** All data of a run, in a page that requests nothing. */
export interface ExportedRun extends AgentChart {
  readonly events: readonly RunEvent[];
  /** The layout of the agents with their dependencies. */
  readonly flow: Layout;
  /** Output by `agent/attempt`: gzip in base64. */
  readonly transcripts: Readonly<Record<string, string>>;
}

/** Id of the element that contains an `ExportedRun`. */
export const exportedRunId = 'exported-run';

export const transcriptKey = (agent: string, attempt: number) => `${agent}/${attempt}`;
