import { UsageError } from '../errors.ts';
import { drawing } from '../graph/drawing.ts';
import { flowGraph, flowPath } from '../graph/flow.ts';
import type { Graph } from '../graph/graph.ts';
import { machineGraph } from '../graph/machine.ts';
import { mermaid } from '../graph/mermaid.ts';
import { agentPath } from '../graph/path.ts';
import { loadSpec } from '../spec/load.ts';
import { itemOf, membersOf } from '../spec/members.ts';
import { readJournal } from '../store/read-journal.ts';
import { openStateDir, type StateDir, stateDirPath } from '../store/state-directory.ts';
import { forLog } from '../text/log-text.ts';
import { type Command, type CommonOptions, printJson } from './command.ts';
import { findAgent, findRun } from './find-agent.ts';

interface GraphOptions extends CommonOptions {
  readonly spec?: string;
  readonly machine?: 'agent' | 'approval' | 'flow';
  readonly run?: string;
  readonly agent?: string;
  readonly format: 'mermaid' | 'json' | 'svg';
  readonly html?: string;
  readonly json?: boolean;
}

export const graph: Command = {
  options: yargs =>
    yargs
      .positional('spec', { type: 'string', describe: 'Render the agents of this spec; - reads stdin' })
      .option('machine', {
        choices: ['agent', 'approval', 'flow'] as const,
        requiresArg: true,
        describe: 'Render the statechart of an agent (default) or another one',
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
    if (options.format === 'svg') {
      const { layout } = await import('../graph/layout.ts');
      const { svg } = await import('../graph/svg.ts');
      process.stdout.write(forLog(svg(await layout(drawing(drawn)))));
      return 0;
    }
    process.stdout.write(forLog(mermaid(drawing(drawn))));
    return 0;
  },
};

async function writeHtml({ stateDir, run }: GraphOptions, html: string): Promise<number> {
  const { writeInspector } = await import('./inspector/open.ts');
  const state = openStateDir(stateDirPath(stateDir, process.env));
  await writeInspector(findRun(state, run).folder, html);
  return 0;
}

async function graphOf({ spec, machine, run, agent, stateDir }: GraphOptions): Promise<Graph> {
  if (spec !== undefined) return graphOfSpec(spec);
  if (run === undefined && agent === undefined) {
    return machineGraph(machine ?? 'agent');
  }
  const state = openStateDir(stateDirPath(stateDir, process.env));
  if (agent === undefined) return graphOfRun(state, run);
  if (run !== undefined && agent.includes('/'))
    throw new UsageError(`--agent ${agent} already names a run: omit --run`);
  return graphOfAgent(state, run === undefined ? agent : `${run}/${agent}`);
}

async function graphOfSpec(path: string): Promise<Graph> {
  const plan = await loadSpec(path, { env: process.env });
  // The agents for items are not known before a run.
  return flowGraph(
    plan.name,
    membersOf(plan).filter(member => itemOf(member) === undefined),
  );
}

async function graphOfRun(stateDir: StateDir, runId: string | undefined): Promise<Graph> {
  const { state } = findRun(stateDir, runId);
  return { ...flowGraph(state.name, Object.values(state.agents)), path: flowPath(state) };
}

async function graphOfAgent(stateDir: StateDir, name: string): Promise<Graph> {
  const { folder, agent } = findAgent(stateDir, name);
  const chart = machineGraph(agent.approval === undefined ? 'agent' : 'approval');
  const { events } = readJournal(folder.journal);
  return { ...chart, path: agentPath(chart, { runId: folder.runId, agent: agent.name }, events) };
}
