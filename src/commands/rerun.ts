import { UsageError } from '../errors.ts';
import { agentsToRerun, rerunOf } from '../run/reuse.ts';
import { startRun } from '../run/start-run.ts';
import { itemOf, membersOf } from '../spec/members.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { checkNames, namesIn } from '../spec/select-agents.ts';
import { ofAgent } from '../state/flow-state.ts';
import { lockHolder } from '../store/lock.ts';
import { explainHolder } from '../store/lock-holder.ts';
import { type Rerun, readRunFile } from '../store/run-file.ts';
import { openStateDir, type StateDir, stateDirPath } from '../store/state-directory.ts';
import { checkDetach, detachOption, runInBackground } from './background.ts';
import type { Command } from './command.ts';
import { isDetached } from './detach.ts';
import { type FoundRun, findRun } from './find-agent.ts';
import {
  checkInspect,
  type ReportingOptions,
  reportingOptions,
  runToCompletion,
} from './run-to-completion.ts';

interface RerunOptions extends ReportingOptions {
  readonly run: string;
  readonly failed: boolean;
  readonly from?: string;
  readonly detach: boolean;
}

export const rerun: Command = {
  options: yargs =>
    yargs
      .positional('run', { type: 'string', demandOption: true, describe: 'Id of a finished run' })
      .option('failed', {
        type: 'boolean',
        default: false,
        describe: 'Run what did not succeed (default)',
      })
      .option('from', {
        type: 'string',
        requiresArg: true,
        describe: 'Also run these agents and what depends on them: a,b',
      })
      .option('detach', detachOption)
      .options(reportingOptions)
      .check(({ failed, from, detach, events, inspect, inspectWrite }) => {
        if (failed && from !== undefined)
          throw new Error('--failed and --from cannot be combined: --from also runs what did not succeed');
        checkInspect({ inspect, inspectWrite });
        if (detach) checkDetach({ inspect, events });
        return true;
      })
      .epilogue(
        'The new run has the stored plan of the finished one: the spec file is not read, so changes in it have no effect. Secrets are read from the environment again.',
      )
      .example('$0 rerun r4k2m9xq', 'Run what did not succeed')
      .example('$0 rerun r4k2m9xq --from tests', 'Run tests and what depends on it'),

  async handler(options: RerunOptions) {
    const stateDir = openStateDir(stateDirPath(options.stateDir, process.env));
    const request = requestOf(stateDir, options);
    if (options.detach && !isDetached()) return runInBackground(stateDir, options, null);
    const { plan, rerun } = request;
    return runToCompletion(
      [{ runId: null, begin: listeners => startRun(plan, { stateDir, rerun, ...listeners }) }],
      options,
    );
  },
};

interface RerunRequest {
  readonly plan: FlowPlan;
  readonly rerun: Rerun;
}

function requestOf(stateDir: StateDir, { run: runId, from: list, context }: RerunOptions): RerunRequest {
  const run = findRun(stateDir, runId);
  assertEnded(run);
  const { plan } = readRunFile(run.folder);
  const from = list === undefined ? [] : namesIn('--from', list);
  // An agent for an item that the list did not have has no name.
  const names = membersOf(plan)
    .filter(member => itemOf(member) === undefined || ofAgent(run.state, member.name))
    .map(({ name }) => name);
  checkNames('--from', from, names);
  const again = agentsToRerun(plan, run.state, from);
  if (again.size === 0)
    throw new UsageError(
      `nothing of run ${run.folder.runId} is left to run: every agent has succeeded or was skipped. Run an agent again: --from ${names[0]}`,
    );
  const rerun = rerunOf(plan, run.state, again);
  return { plan: context === undefined ? plan : { ...plan, target: { ...plan.target, context } }, rerun };
}

function assertEnded({ folder: { runId, lock }, state }: FoundRun): void {
  if (state.ended !== null) return;
  const holder = lockHolder(lock);
  throw new UsageError(
    holder === null
      ? `run ${runId} was interrupted. Continue it: agent-flow resume ${runId}. Or end it first: agent-flow stop ${runId}`
      : `run ${runId} is being executed by ${explainHolder(holder)}. Wait for its end, or end it: agent-flow stop ${runId}`,
  );
}
