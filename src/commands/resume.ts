import { UsageError } from '../errors.ts';
import { type Adoption, adopt } from '../recovery/adopt.ts';
import { resumeRun } from '../run/resume-run.ts';
import { statusLabel } from '../state/state-label.ts';
import { lockHolder } from '../store/lock.ts';
import { explainHolder } from '../store/lock-holder.ts';
import { openStateDir, type RunFolder, type StateDir, stateDirPath } from '../store/state-directory.ts';
import { oneLine } from '../text/text.ts';
import { type Command, printLine } from './command.ts';
import { newEngineOption } from './engine-option.ts';
import { findRun, readRuns } from './find-agent.ts';
import { reportError } from './report-error.ts';
import {
  checkInspect,
  type ReportingOptions,
  type RunToDrive,
  reportingOptions,
  runToCompletion,
} from './run-to-completion.ts';

interface ResumeOptions extends ReportingOptions {
  readonly run?: string;
  readonly all: boolean;
  readonly adopt: boolean;
  readonly newEngine: boolean;
  readonly force: boolean;
}

export const resume: Command = {
  options: yargs =>
    yargs
      .positional('run', { type: 'string', describe: 'Run id (default: latest unfinished run)' })
      .option('all', { type: 'boolean', default: false, describe: 'Resume all unfinished runs' })
      .option('adopt', {
        type: 'boolean',
        default: false,
        describe: 'Adopt the orphans of ps: wait for them, and remove them',
      })
      .option('new-engine', newEngineOption)
      .option('force', {
        type: 'boolean',
        default: false,
        describe: 'Take over from a supervisor that cannot be checked',
      })
      .options(reportingOptions)
      .check(({ run, all, adopt, newEngine, junit, events, html, inspect, inspectWrite }) => {
        checkInspect({ inspect, inspectWrite });
        if (all && run !== undefined) throw new Error('--all resumes every run: omit the run id');
        if (newEngine && run === undefined) throw new Error('--new-engine requires a run id');
        const file = Object.entries({ junit, events, html }).find(([, value]) => value);
        const many = all ? '--all' : adopt && run === undefined ? '--adopt' : null;
        if (many && /^[1-9]/.test(String(inspect ?? '')))
          throw new Error(`--inspect=${inspect} and ${many} cannot be combined: one port serves one run`);
        if (many && file) throw new Error(`--${file[0]} and ${many} cannot be combined: name one run`);
        return true;
      })
      .example('agent-flow resume', 'Continue after a crash or a closed terminal'),

  async handler(options: ResumeOptions) {
    const stateDir = openStateDir(stateDirPath(options.stateDir, process.env));
    const isAdoptionAlone = options.adopt && !options.all;
    const adoption = options.adopt ? await adoptOrphans(stateDir, options) : nothingAdopted;
    const { folders, exitCode } = isAdoptionAlone ? adoption : toResume(stateDir, options);
    if (folders.length === 0 && !isAdoptionAlone && exitCode === 0) printLine(nothingToDo(stateDir));
    const runs = folders.map(folder => ({
      runId: folder.runId,
      begin: (listeners: Parameters<RunToDrive['begin']>[0]) =>
        resumeRun(folder, {
          ...{ stateDir, force: options.force, isNewEngine: options.newEngine, context: options.context },
          ...listeners,
        }),
    }));
    const code = folders.length === 0 ? 0 : await runToCompletion(runs, options);
    // The exit code of a signal means that everything is removed. An unreadable run may have something left.
    return code >= 128 && exitCode > 0 ? exitCode : Math.max(adoption.exitCode, exitCode, code);
  },
};

interface ToResume {
  readonly folders: readonly RunFolder[];
  /** Largest exit code of the runs that could not be read or adopted. */
  readonly exitCode: number;
}

const nothingAdopted: ToResume = { folders: [], exitCode: 0 };

/** Adopt orphans and report each one. The exit code is 1 if one was skipped. */
async function adoptOrphans(stateDir: StateDir, { run, all, force }: ResumeOptions): Promise<ToResume> {
  let adoption: Adoption;
  try {
    adoption = await adopt(stateDir, { only: run, force });
  } catch (error) {
    // Runs that have a record can be resumed without the orphans.
    if (!all) throw error;
    return { folders: [], exitCode: reportError(error) };
  }
  const { runs, removed, refused, missing } = adoption;
  for (const { runId } of runs) printLine(`adopted run ${runId}`);
  for (const name of removed) printLine(`removed ${oneLine(name)}, which was never started`);
  for (const { name, why } of refused)
    printLine(`skipped ${oneLine(name)}: ${why}. Run agent-flow cleanup to remove it`);
  for (const { why } of missing) printLine(`could not look for orphans: ${oneLine(why)}`);
  if (runs.length + removed.length + refused.length === 0)
    printLine(run === undefined ? 'no orphans to adopt' : `no orphans of run ${oneLine(run)} to adopt`);
  return { folders: runs, exitCode: refused.length > 0 ? 1 : 0 };
}

function nothingToDo(stateDir: StateDir): string {
  const active = stateDir.runs().flatMap(({ runId, lock }) => {
    const holder = lockHolder(lock);
    return holder === null ? [] : [`run ${runId} is being executed by ${explainHolder(holder)}`];
  });
  return active.length === 0 ? 'every run has finished' : `nothing to resume: ${active.join('; ')}`;
}

function toResume(stateDir: StateDir, { run, all, force }: ResumeOptions): ToResume {
  if (run !== undefined) {
    const { folder, state } = findRun(stateDir, run);
    if (state.ended !== null)
      throw new UsageError(`run ${run} has already finished (${statusLabel[state.ended.status]})`);
    return { folders: [folder], exitCode: 0 };
  }
  let exitCode = 0;
  const known = readRuns(stateDir.runs(), (error, { runId }) => {
    exitCode = Math.max(exitCode, reportError(error, `${runId}: `));
  });
  const unfinished = known.filter(({ state }) => state.ended === null).map(({ folder }) => folder);
  const interrupted = unfinished.filter(({ lock }) => {
    const holder = lockHolder(lock);
    return holder === null || (force && holder.doubt !== null);
  });
  if (all) return { folders: interrupted, exitCode };
  // With no interrupted run, resuming the latest one reports the process that executes it.
  const latest = (interrupted.length > 0 ? interrupted : unfinished).slice(0, 1);
  return { folders: latest, exitCode: latest.length > 0 ? 0 : exitCode };
}
