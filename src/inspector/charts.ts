import { drawing } from '../graph/drawing.ts';
import { flowGraph } from '../graph/flow.ts';
import { layout } from '../graph/layout.ts';
import { machineGraph } from '../graph/machine.ts';
import type { Layout } from '../graph/positioned.ts';
import type { FlowState } from '../state/flow-state.ts';
import type { AgentChart } from './page-data.ts';

let drawn: Promise<Layout> | null = null;

/** Return the statechart of agents, made from the machine; the layout is computed once per process. */
export async function agentChart(): Promise<AgentChart> {
  const chart = machineGraph('agent');
  drawn ??= layout(drawing(chart), { labels: false });
  return { chart, drawn: await drawn };
}

export const flowChart = ({ name, agents }: FlowState): Promise<Layout> =>
  layout(drawing(flowGraph(name, Object.values(agents))));
