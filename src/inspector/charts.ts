import { drawing } from '../graph/drawing.ts';
import { flowGraph } from '../graph/flow.ts';
import { layout } from '../graph/layout.ts';
import { machineGraph } from '../graph/machine.ts';
import type { Layout } from '../graph/positioned.ts';
import type { FlowState } from '../state/flow-state.ts';
import type { AgentChart, AgentCharts } from './page-data.ts';

let charts: Promise<AgentCharts> | null = null;

/** Return the statecharts of agents, made from their machines; the layout is computed once per process. */
export function agentCharts(): Promise<AgentCharts> {
  charts ??= drawCharts();
  return charts;
}

async function drawCharts(): Promise<AgentCharts> {
  const [agent, approval] = await Promise.all([machineChart('agent'), machineChart('approval')]);
  return { agent, approval };
}

async function machineChart(name: 'agent' | 'approval'): Promise<AgentChart> {
  const chart = machineGraph(name);
  return { chart, drawn: await layout(drawing(chart), { labels: false }) };
}

export const flowChart = ({ name, agents }: FlowState): Promise<Layout> =>
  layout(drawing(flowGraph(name, Object.values(agents))));
