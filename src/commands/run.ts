import { UsageError } from '../errors.ts';
import { startRun } from '../run/start-run.ts';
import type { ApprovalPlan } from '../spec/approval-plan.ts';
import { planFromText } from '../spec/load.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { namesIn } from '../spec/select-agents.ts';
import { readSpec } from '../spec/spec-text.ts';
import { checkRunBudget } from '../spec/uncounted-budgets.ts';
import { openStateDir, stateDirPath } from '../store/state-directory.ts';
import { checkDetach, detachOption, runInBackground } from './background.ts';
import { type Command, specPath } from './command.ts';
import { isDetached } from './detach.ts';
import {
  checkInspect,
  type ReportingOptions,
  type RunToDrive,
  reportingOptions,
  runToCompletion,
} from './run-to-completion.ts';

interface RunOptions extends ReportingOptions {
  readonly spec: string;
  readonly keep: boolean;
  readonly plan: boolean;
  readonly detach: boolean;
  readonly concurrency?: number;
  readonly only?: string;
  readonly swarm?: string;
  readonly maxUsd?: number;
  readonly yes: boolean;
}

export const run: Command = {
  options: yargs =>
    yargs
      .positional('spec', specPath)
      .option('detach', detachOption)
      .option('plan', {
        type: 'boolean',
        default: false,
        describe: 'Dry run: print the docker commands without running them',
      })
      .option('only', {
        type: 'string',
        requiresArg: true,
        describe: 'Run these agents and what they depend on: a,b',
      })
      .option('concurrency', {
        type: 'number',
        requiresArg: true,
        describe: 'Maximum number of concurrent agents',
      })
      .option('max-usd', {
        type: 'number',
        requiresArg: true,
        describe: 'Maximum cost of all agents in US dollars',
      })
      .option('yes', {
        alias: 'y',
        type: 'boolean',
        default: false,
        describe: 'Approve every approval of the spec',
      })
      .option('keep', { type: 'boolean', default: false, describe: 'Keep containers for inspection' })
      .option('swarm', {
        type: 'string',
        requiresArg: true,
        conflicts: 'context',
        describe: 'Docker context of a Swarm manager that places the agents',
      })
      .options(reportingOptions)
      .check(({ concurrency, maxUsd, plan, detach, junit, events, html, inspect, inspectWrite }) => {
        checkInspect({ inspect, inspectWrite });
        const unused = Object.entries({ detach, junit, events, html, inspect }).find(
          ([, value]) => value !== undefined && value !== false,
        );
        if (detach) checkDetach({ inspect, events });
        if (plan && unused) throw new Error(`--plan and --${unused[0]} cannot be combined`);
        if (maxUsd !== undefined && !(Number(maxUsd) > 0 && Number(maxUsd) <= 1e6))
          throw new Error('--max-usd must be a number above zero, at most 1000000');
        if (concurrency === undefined || (Number.isInteger(concurrency) && concurrency >= 1)) return true;
        throw new Error('--concurrency must be a whole number, at least 1');
      }),

  async handler(options: RunOptions) {
    const spec = await readSpec(options.spec);
    const only = options.only === undefined ? undefined : namesIn('--only', options.only);
    const plan = withOverrides(await planFromText(spec, { env: process.env, only }), options);
    const stateDir = openStateDir(stateDirPath(options.stateDir, process.env));
    if (options.plan) {
      const { printPlan } = await import('./plan.ts');
      return printPlan(plan, stateDir, options.json);
    }
    const { isStream, text } = spec;
    if (options.detach && !isDetached())
      return runInBackground(stateDir, options, isStream ? { path: options.spec, text } : null);

    const begin: RunToDrive['begin'] = listeners => startRun(plan, { stateDir, ...listeners });
    return runToCompletion([{ runId: null, begin }], options);
  },
};

function withOverrides(plan: FlowPlan, options: RunOptions): FlowPlan {
  const { keep, concurrency, context, swarm, maxUsd, yes } = options;
  const agents = keep ? plan.agents.map(agent => ({ ...agent, keep: 'always' as const })) : plan.agents;
  const target = swarm === undefined ? context && { context } : { context: swarm, isSwarm: true as const };
  const changed = {
    ...plan,
    ...(target && { target }),
    ...(maxUsd === undefined ? {} : { maxUsd }),
    agents,
    ...(yes && plan.approvals && { approvals: plan.approvals.map(granted) }),
    concurrency: concurrency ?? plan.concurrency,
  };
  const [unlimited] = checkRunBudget(changed);
  if (unlimited) throw new UsageError(`--max-usd: ${unlimited.path.join('.')}: ${unlimited.message}`);
  return changed;
}

const granted = (approval: ApprovalPlan) => ({ ...approval, isGranted: true as const });
