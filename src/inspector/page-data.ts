import type { RunEvent } from '../events.ts';
import type { Graph } from '../graph/graph.ts';
import type { Layout } from '../graph/positioned.ts';

/** The chart of every agent: as a graph, and as it is drawn. */
export interface AgentChart {
  readonly chart: Graph;
  readonly drawn: Layout;
}

/** All of a run, in a page that asks nobody for anything. */
export interface ExportedRun extends AgentChart {
  readonly events: readonly RunEvent[];
  /** The agents, drawn by what they wait for. */
  readonly flow: Layout;
  /** What was printed, by `agent/attempt`: gzip in base64. */
  readonly transcripts: Readonly<Record<string, string>>;
}

/** The element of a page that holds a `Kept`. */
export const exportedRunId = 'exported-run';

export const transcriptKey = (agent: string, attempt: number) => `${agent}/${attempt}`;
