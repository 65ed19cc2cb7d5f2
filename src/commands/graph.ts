import { UsageError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { StateDir } from '../store/state-directory.ts';
import { forLog } from '../text/log-text.ts';
import { type Command, type CommonOptions, printJson } from './command.ts';

interface GraphOptions extends CommonOptions {
  readonly spec?: string;
  readonly machine?: 'agent' | 'flow';
  readonly run?: string;
  readonly agent?: string;
  readonly format: 'mermaid' | 'json' | 'svg';
  readonly html?: string;
  readonly json?: boolean;
}

export const graph: Command = {
  usage: 'graph [spec]',
  describe: 'Render a statechart, a flow, or the path a run took',
  options: yargs =>
    yargs
      .positional('spec', { type: 'string', describe: 'Render the agents of this spec; - reads stdin' })
      .option('machine', {
        choices: ['agent', 'flow'] as const,
        requiresArg: true,
        describe: 'Render the statechart of an agent (default) or a flow',
      })
      .option('run', {
        type: 'string',
        requiresArg: true,
        describe: 'Render the agents of this run in their current states',
      })
      .option('agent', {
        type: 'string',
        requiresArg: true,
        describe: 'Highlight the path of AGENT or RUN/AGENT on its chart',
      })
      .option('format', {
        choices: ['mermaid', 'json', 'svg'] as const,
        default: 'mermaid' as const,
        requiresArg: true,
        describe: 'Output format: mermaid (default), json or svg',
      })
      .option('html', {
        type: 'string',
        requiresArg: true,
        describe: 'Write the inspector of --run (default: latest) to a file',
      })
      .option('json', { type: 'boolean', describe: 'Same as --format json' })
      .example('$0 graph spec.json', 'Render the dependencies of the agents')
      .example('$0 graph --agent fixer', 'Render the path of fixer in the latest run')
      .check(({ spec, machine, run, agent, html }) => {
        if (html !== undefined && (spec || machine || agent))
          throw new Error('--html writes a whole run: it can be combined with --run only');
        const given = [spec && 'a spec', machine && '--machine', (run || agent) && '--run or --agent'].filter(
          Boolean,
        );
        if (given.length < 2) return true;
        throw new Error(`${given.join(' and ')} cannot be combined`);
      }),

  async handler(options: GraphOptions) {
    if (options.html !== undefined) return writeHtml(options, options.html);
    const drawn = await graphOf(options);
    if (options.json || options.format === 'json') {
      printJson(drawn);
      return 0;
    }
    const { drawing } = await import('../graph/drawing.ts');
    if (options.format === 'svg') {
      const { layout } = await import('../graph/layout.ts');
      const { svg } = await import('../graph/svg.ts');
      process.stdout.write(forLog(svg(await layout(drawing(drawn)))));
      return 0;
    }
    const { mermaid } = await import('../graph/mermaid.ts');
    process.stdout.write(forLog(mermaid(drawing(drawn))));
    return 0;
  },
};

async function writeHtml({ stateDir, run }: GraphOptions, html: string): Promise<number> {
  const { openStateDir, stateDirPath } = await import('../store/state-directory.ts');
  const { findRun } = await import('./find-agent.ts');
  const { writeInspector } = await import('./inspector/open.ts');
  const state = openStateDir(stateDirPath(stateDir, process.env));
  await writeInspector(findRun(state, run).folder, html);
  return 0;
}

async function graphOf({ spec, machine, run, agent, stateDir }: GraphOptions): Promise<Graph> {
  if (spec !== undefined) return graphOfSpec(spec);
  if (run === undefined && agent === undefined) {
    const { machineGraph } = await import('../graph/machine.ts');
    return machineGraph(machine ?? 'agent');
  }
  const { openStateDir, stateDirPath } = await import('../store/state-directory.ts');
  const state = openStateDir(stateDirPath(stateDir, process.env));
  if (agent === undefined) return graphOfRun(state, run);
  if (run !== undefined && agent.includes('/'))
    throw new UsageError(`--agent ${agent} already names a run: omit --run`);
  return graphOfAgent(state, run === undefined ? agent : `${run}/${agent}`);
}

async function graphOfSpec(path: string): Promise<Graph> {
  const { loadSpec } = await import('../spec/load.ts');
  const { flowGraph } = await import('../graph/flow.ts');
  const { name, agents } = await loadSpec(path, { env: process.env });
  return flowGraph(name, agents);
}

async function graphOfRun(stateDir: StateDir, runId: string | undefined): Promise<Graph> {
  const { findRun } = await import('./find-agent.ts');
  const { flowGraph, flowPath } = await import('../graph/flow.ts');
  const { state } = findRun(stateDir, runId);
  return { ...flowGraph(state.name, Object.values(state.agents)), path: flowPath(state) };
}

async function graphOfAgent(stateDir: StateDir, name: string): Promise<Graph> {
  const { findAgent } = await import('./find-agent.ts');
  const { readJournal } = await import('../store/read-journal.ts');
  const { machineGraph } = await import('../graph/machine.ts');
  const { agentPath } = await import('../graph/path.ts');
  const { folder, agent } = findAgent(stateDir, name);
  const chart = machineGraph('agent');
  const { events } = readJournal(folder.journal);
  return { ...chart, path: agentPath(chart, { runId: folder.runId, agent: agent.name }, events) };
}
