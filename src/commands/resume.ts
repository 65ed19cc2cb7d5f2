import { UsageError } from '../errors.ts';
import { type Adoption, adopt } from '../recovery/adopt.ts';
import { resumeRun } from '../run/resume-run.ts';
import { lockHolder } from '../store/lock.ts';
import { explainHolder } from '../store/lock-holder.ts';
import { openStateDir, type RunFolder, type StateDir, stateDirPath } from '../store/state-directory.ts';
import { oneLine } from '../text/text.ts';
import { type Command, say } from './command.ts';
import { newEngineOption } from './engine-option.ts';
import { findRun, readRuns } from './find-agent.ts';
import { reportError } from './report-error.ts';
import {
  checkInspect,
  type ReportingOptions,
  type RunToDrive,
  runToCompletion,
  toldOptions,
} from './run-to-completion.ts';

interface ResumeOptions extends ReportingOptions {
  readonly run?: string;
  readonly all: boolean;
  readonly adopt: boolean;
  readonly newEngine: boolean;
  readonly force: boolean;
}

export const resume: Command = {
  usage: 'resume [run]',
  describe: 'take up a run whose engine is gone, where it stands',
  options: yargs =>
    yargs
      .positional('run', { type: 'string', describe: 'the newest that is not over, where none is named' })
      .option('all', { type: 'boolean', default: false, describe: 'all runs that are not over' })
      .option('adopt', {
        type: 'boolean',
        default: false,
        describe: 'the orphans of ps: see them through, and remove them',
      })
      .option('new-engine', newEngineOption)
      .option('force', {
        type: 'boolean',
        default: false,
        describe: 'take over from an engine that cannot be seen from here',
      })
      .options(toldOptions)
      .check(({ run, all, adopt, newEngine, junit, events, html, inspect, inspectWrite }) => {
        checkInspect({ inspect, inspectWrite });
        if (all && run !== undefined) throw new Error('--all takes up every run: leave the run out');
        if (newEngine && run === undefined) throw new Error('--new-engine is for one run: name it');
        const file = Object.entries({ junit, events, html }).find(([, value]) => value);
        const many = all ? '--all' : adopt && run === undefined ? '--adopt' : null;
        if (many && /^[1-9]/.test(String(inspect ?? '')))
          throw new Error(`--inspect=${inspect} is one port: leave it out, or leave ${many} out`);
        if (many && file) throw new Error(`--${file[0]} is for one run: name it, or leave ${many} out`);
        return true;
      })
      .example('agent-flow resume', 'goes on with what a crash, or a terminal that closed, has left'),

  async handler(options: ResumeOptions) {
    const stateDir = openStateDir(stateDirPath(options.stateDir, process.env));
    const isAdoptionAlone = options.adopt && !options.all;
    const adoption = options.adopt ? await adoptOrphans(stateDir, options) : nothingAdopted;
    const { folders, exitCode } = isAdoptionAlone ? adoption : toResume(stateDir, options);
    if (folders.length === 0 && !isAdoptionAlone && exitCode === 0) say(nothingToDo(stateDir));
    const runs = folders.map(folder => ({
      runId: folder.runId,
      begin: (listeners: Parameters<RunToDrive['begin']>[0]) =>
        resumeRun(folder, { stateDir, force: options.force, isNewEngine: options.newEngine, ...listeners }),
    }));
    const code = folders.length === 0 ? 0 : await runToCompletion(runs, options);
    // That of a signal says that everything is removed: a run that cannot be read may have something left.
    return code >= 128 && exitCode > 0 ? exitCode : Math.max(adoption.exitCode, exitCode, code);
  },
};

interface ToResume {
  readonly folders: readonly RunFolder[];
  /** Of what could not even be looked at. */
  readonly exitCode: number;
}

const nothingAdopted: ToResume = { folders: [], exitCode: 0 };

/** Says what came of each orphan; its exit code is 1 where one had to be left. */
async function adoptOrphans(stateDir: StateDir, { run, all, force }: ResumeOptions): Promise<ToResume> {
  let adoption: Adoption;
  try {
    adoption = await adopt(stateDir, { only: run, force });
  } catch (error) {
    // Runs that have a record need nobody to find orphans.
    if (!all) throw error;
    return { folders: [], exitCode: reportError(error) };
  }
  const { runs, removed, refused, missing } = adoption;
  for (const { runId } of runs) say(`adopted run ${runId}`);
  for (const name of removed) say(`removed ${oneLine(name)}: it had never been started`);
  for (const { name, why } of refused)
    say(`left alone: ${oneLine(name)}, ${why}; agent-flow cleanup removes it`);
  for (const { why } of missing) say(`not looked at for orphans: ${oneLine(why)}`);
  if (runs.length + removed.length + refused.length === 0)
    say(run === undefined ? 'there is nothing to adopt' : `there is nothing of ${oneLine(run)} to adopt`);
  return { folders: runs, exitCode: refused.length > 0 ? 1 : 0 };
}

function nothingToDo(stateDir: StateDir): string {
  const driven = stateDir.runs().flatMap(({ runId, lock }) => {
    const holder = lockHolder(lock);
    return holder === null ? [] : [`${runId} is driven by ${explainHolder(holder)}`];
  });
  return driven.length === 0 ? 'every run is over' : `nothing to take up: ${driven.join('; ')}`;
}

function toResume(stateDir: StateDir, { run, all, force }: ResumeOptions): ToResume {
  if (run !== undefined) {
    const { folder, state } = findRun(stateDir, run);
    if (state.ended !== null) throw new UsageError(`${run} is over: it has ${state.ended.status}`);
    return { folders: [folder], exitCode: 0 };
  }
  let exitCode = 0;
  const known = readRuns(stateDir.runs(), (error, { runId }) => {
    exitCode = Math.max(exitCode, reportError(error, `${runId}: `));
  });
  const unfinished = known.filter(({ state }) => state.ended === null).map(({ folder }) => folder);
  const left = unfinished.filter(({ lock }) => {
    const holder = lockHolder(lock);
    return holder === null || (force && holder.doubt !== null);
  });
  if (all) return { folders: left, exitCode };
  // None is left alone: the newest tells who drives it.
  const newest = (left.length > 0 ? left : unfinished).slice(0, 1);
  return { folders: newest, exitCode: newest.length > 0 ? 0 : exitCode };
}
