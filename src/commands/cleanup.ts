import { enginesOf } from '../connection/run-connection.ts';
import { EngineError, UsageError } from '../errors.ts';
import { openStateDir, stateDirPath } from '../store/state-directory.ts';
import { oneLine } from '../text/text.ts';
import { leftAlone, planCleanup, planTable } from './cleanup/plan.ts';
import { inAll, type Outcome, type Removed, removeAll, wouldBe } from './cleanup/remove.ts';
import { type Command, type CommonOptions, printJson, say } from './command.ts';
import { parseAge } from './times.ts';

interface CleanupOptions extends CommonOptions {
  readonly all: boolean;
  readonly force: boolean;
  readonly network: boolean;
  readonly images: boolean;
  readonly runs: boolean;
  readonly olderThan?: string;
  readonly dryRun: boolean;
  readonly json: boolean;
}

const flag = (describe: string) => ({ type: 'boolean', default: false, describe }) as const;

export const cleanup: Command = {
  usage: 'cleanup',
  describe: 'remove the containers that runs have left behind',
  options: yargs =>
    yargs
      .option('all', flag('all agent containers, whoever made them'))
      .option('force', flag('also what a living engine drives, or may drive'))
      .option('network', flag('also the network tmux-agents, if nobody is on it'))
      .option('images', flag('also our images that no container uses'))
      .option('runs', flag('also folders of runs that are over'))
      .option('older-than', {
        type: 'string',
        requiresArg: true,
        describe: 'with --runs: how long they must be over: 14d, 12h',
      })
      .option('dry-run', flag('say what would be removed, and remove nothing'))
      .option('json', flag('print what was removed as one line of JSON'))
      .example('$0 cleanup --dry-run', 'what is there to remove?')
      .example('$0 cleanup --runs --older-than 14d', 'forget old runs'),

  async handler(options: CleanupOptions) {
    const { stateDir, dryRun, json } = options;
    const runsOlderThan = ageOf(options);
    const state = openStateDir(stateDirPath(stateDir, process.env));
    const engines = await enginesOf(state);
    const plans = await planCleanup(engines, state, { ...options, runsOlderThan });
    for (const line of plans.flatMap(({ plan }) => leftAlone(plan))) say(line);
    const list = planTable(
      state,
      plans.map(({ plan }) => plan),
    );
    if (list !== '') say(list);

    const outcomes: Outcome[] = [];
    for (const onEngine of plans) {
      const stayed = outcomes.flatMap(outcome => outcome.stayed);
      outcomes.push(dryRun ? wouldBe(onEngine.plan) : await removeAll(onEngine, state, stayed));
    }
    const done = inAll(outcomes.map(outcome => outcome.done));
    if (json) printJson({ dryRun, ...done });
    else say(`${dryRun ? 'would remove' : 'removed'} ${summary(done)}`);
    const problems = engines.missing.map(({ why }) => why);
    const failures = outcomes.flatMap(outcome => outcome.failures);
    if (failures.length > 0) problems.unshift(`could not remove ${failures.join('; ')}`);
    if (problems.length > 0) throw new EngineError(problems.join('\n'));
    return 0;
  },
};

/** Milliseconds; null where no runs are to be removed. */
function ageOf({ runs, olderThan }: CleanupOptions): number | null {
  if (!runs && olderThan === undefined) return null;
  if (!runs)
    throw new UsageError('--older-than goes with --runs: agent-flow cleanup --runs --older-than 14d');
  if (olderThan === undefined)
    throw new UsageError('say how old: agent-flow cleanup --runs --older-than 14d');
  const age = parseAge(`${olderThan}`);
  if (age === null)
    throw new UsageError(
      `--older-than ${oneLine(`${olderThan}`)} is no duration. Say it with a unit, for example 14d, 12h or 1d12h`,
    );
  return age;
}

function summary({ removed, networks, images, runs }: Removed): string {
  const counts = [
    ['network', networks.length],
    ['image', images.removed.length],
    ['run', runs.removed.length],
  ] as const;
  const more = counts.filter(([, count]) => count > 0).map(([what, count]) => counted(count, what));
  return [counted(removed.length, 'container'), ...more].join(', ');
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
