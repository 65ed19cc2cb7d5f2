import { adopt } from '../engine/adopt.ts';
import { lockHolder } from '../engine/lock.ts';
import { resumeRun } from '../engine/run.ts';
import { openStateDir, type RunFolder, type StateDir, stateDirPath } from '../engine/state-dir.ts';
import { UsageError } from '../errors.ts';
import { oneLine } from '../views/text.ts';
import { type Command, say } from './command.ts';
import { newEngineOption } from './engine-option.ts';
import { findRun, readRun } from './find-agent.ts';
import { lines, progress } from './progress.ts';
import { checkInspect, seeThrough, type ToldOptions, toldOptions } from './see-through.ts';

interface ResumeOptions extends ToldOptions {
  readonly run?: string;
  readonly all: boolean;
  readonly adopt: boolean;
  readonly newEngine: boolean;
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
    const adoption = options.adopt ? await adoptOrphans(stateDir, options.run) : null;
    const folders = adoption === null || options.all ? toResume(stateDir, options) : adoption.runs;
    if (folders.length === 0) {
      if (adoption === null || options.all) say(nothingToDo(stateDir));
      return adoption?.exitCode ?? 0;
    }
    const codes = folders.map(folder =>
      seeThrough(
        listeners => resumeRun(folder, { stateDir, isNewEngine: options.newEngine, ...listeners }),
        options,
        folders.length === 1 ? progress() : lines(),
      ),
    );
    return Math.max(adoption?.exitCode ?? 0, ...(await Promise.all(codes)));
  },
};

/** Says what came of each orphan; its exit code is 1 where one had to be left. */
async function adoptOrphans(stateDir: StateDir, run: string | undefined) {
  const { runs, removed, refused, missing } = await adopt(stateDir, run);
  for (const { runId } of runs) say(`adopted run ${runId}`);
  for (const name of removed) say(`removed ${oneLine(name)}: it had never been started`);
  for (const { name, why } of refused)
    say(`left alone: ${oneLine(name)}, ${why}; agent-flow cleanup removes it`);
  for (const { why } of missing) say(`not looked at for orphans: ${oneLine(why)}`);
  if (runs.length + removed.length + refused.length === 0)
    say(run === undefined ? 'there is nothing to adopt' : `there is nothing of ${oneLine(run)} to adopt`);
  return { runs, exitCode: refused.length > 0 ? 1 : 0 };
}

function nothingToDo(stateDir: StateDir): string {
  const driven = stateDir.runs().filter(folder => lockHolder(folder.lock) !== null);
  if (driven.length === 0) return 'every run is over';
  return `nothing to take up: an engine drives ${driven.map(({ runId }) => runId).join(', ')}`;
}

function toResume(stateDir: StateDir, { run, all }: ResumeOptions): RunFolder[] {
  if (run !== undefined) {
    const { folder, state } = findRun(stateDir, run);
    if (state.ended !== null) throw new UsageError(`${run} is over: it has ${state.ended.status}`);
    return [folder];
  }
  const unfinished = stateDir.runs().filter(folder => readRun(folder).state.ended === null);
  const left = unfinished.filter(folder => lockHolder(folder.lock) === null);
  if (all) return left;
  // None is left alone: the newest tells who drives it.
  return (left.length > 0 ? left : unfinished).slice(0, 1);
}
