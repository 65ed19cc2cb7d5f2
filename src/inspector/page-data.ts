import type { RunEvent } from '../events.ts';
import type { Graph } from '../graph/graph.ts';
import type { Layout } from '../graph/positioned.ts';

/** A statechart, as a graph and as a layout. */
export interface AgentChart {
  readonly chart: Graph;
  readonly drawn: Layout;
}

/** The statecharts of agents with a container, and of approvals. */
export interface AgentCharts {
  readonly agent: AgentChart;
  readonly approval: AgentChart;
}

/** An output of an agent: that of an attempt, or that of the check of a round. */
export interface Output {
  readonly of: 'attempt' | 'check';
  /** The number of the attempt, or of the round. */
  readonly number: number;
}

/** All data of a run, in a page that requests nothing. */
export interface ExportedRun {
  readonly charts: AgentCharts;
  readonly events: readonly RunEvent[];
  /** The layout of the agents with their dependencies. */
  readonly flow: Layout;
  /** Output by `transcriptKey`: gzip in base64. */
  readonly transcripts: Readonly<Record<string, string>>;
}

/** Id of the element that contains an `ExportedRun`. */
export const exportedRunId = 'exported-run';

export const transcriptKey = (agent: string, { of, number }: Output) => `${agent}/${of}/${number}`;
