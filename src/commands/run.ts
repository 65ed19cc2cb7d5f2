import { startRun } from '../run/start-run.ts';
import { planOf } from '../spec/load.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { readSpec, type SpecText } from '../spec/spec-text.ts';
import { openStateDir, type StateDir, stateDirPath } from '../store/state-directory.ts';
import { type Command, printJson, specPath } from './command.ts';
import { detach, isDetached } from './detach.ts';
import {
  checkInspect,
  type ReportingOptions,
  type RunToDrive,
  runToCompletion,
  toldOptions,
} from './run-to-completion.ts';

interface RunOptions extends ReportingOptions {
  readonly spec: string;
  readonly keep: boolean;
  readonly plan: boolean;
  readonly detach: boolean;
  readonly concurrency?: number;
}

export const run: Command = {
  usage: 'run <spec>',
  describe: 'run the agents of a spec',
  options: yargs =>
    yargs
      .positional('spec', specPath)
      .option('detach', {
        alias: 'd',
        type: 'boolean',
        default: false,
        describe: 'print the run’s id as soon as it has begun, and leave it to itself',
      })
      .option('plan', {
        type: 'boolean',
        default: false,
        describe: 'print the docker commands that would be run, and run none',
      })
      .option('concurrency', {
        type: 'number',
        requiresArg: true,
        describe: 'how many agents may live at once',
      })
      .option('keep', { type: 'boolean', default: false, describe: 'leave the containers for a look' })
      .options(toldOptions)
      .check(({ concurrency, plan, detach, junit, events, html, inspect, inspectWrite }) => {
        checkInspect({ inspect, inspectWrite });
        const unused = Object.entries({ detach, junit, events, html, inspect }).find(
          ([, value]) => value !== undefined && value !== false,
        );
        if (detach && inspect !== undefined && inspect !== 'stately')
          throw new Error('--detach leaves nobody to tell of --inspect: agent-flow inspector shows the run');
        if (detach && events === '-')
          throw new Error('--detach leaves nobody to read --events -: give it a file');
        if (plan && unused) throw new Error(`--plan runs nothing: leave --${unused[0]} out`);
        if (concurrency === undefined || (Number.isInteger(concurrency) && concurrency >= 1)) return true;
        throw new Error('--concurrency takes a whole number from 1');
      }),

  async handler(options: RunOptions) {
    const spec = await readSpec(options.spec);
    const plan = adjusted(await planOf(spec, { env: process.env }), options);
    const stateDir = openStateDir(stateDirPath(options.stateDir, process.env));
    if (options.plan) {
      const { printPlan } = await import('./plan.ts');
      return printPlan(plan, stateDir, options.json);
    }
    if (options.detach && !isDetached()) return leaveToItself(stateDir, options, spec);

    const begin: RunToDrive['begin'] = listeners => startRun(plan, { stateDir, ...listeners });
    return runToCompletion([{ runId: null, begin }], options);
  },
};

async function leaveToItself(
  stateDir: StateDir,
  { spec: path, json }: RunOptions,
  { isStream, text }: SpecText,
): Promise<number> {
  const { runId, exitCode, said } = await detach(stateDir, isStream ? { path, text } : null);
  if (runId === null) process.stderr.write(said);
  else if (json) printJson({ runId });
  else process.stdout.write(`${runId}\n`);
  return exitCode;
}

function adjusted(plan: FlowPlan, { keep, concurrency }: RunOptions): FlowPlan {
  const agents = keep ? plan.agents.map(agent => ({ ...agent, keep: 'always' as const })) : plan.agents;
  return { ...plan, agents, concurrency: concurrency ?? plan.concurrency };
}
