import { enginesOf } from '../connection/run-connection.ts';
import { EngineError, UsageError } from '../errors.ts';
import { endedCheckFolders, removeCheckFolder } from '../provider-check/check-folder.ts';
import { openStateDir, type StateDir, stateDirPath } from '../store/state-directory.ts';
import { oneLine } from '../text/text.ts';
import { type CleanupRequest, planCleanup, planTable, skippedLines } from './cleanup/plan.ts';
import { combined, dryRunResult, type Removed, removeAll } from './cleanup/remove.ts';
import { type Command, type CommonOptions, printJson, printLine } from './command.ts';
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
  options: yargs =>
    yargs
      .option('all', flag('Remove agent containers of any origin'))
      .option('force', flag('Also remove what a supervisor may be using'))
      .option('network', flag('Also remove the network tmux-agents if it is unused'))
      .option('images', flag('Also remove images of agent-flow that no container uses'))
      .option('runs', flag('Also remove folders of finished runs'))
      .option('older-than', {
        type: 'string',
        requiresArg: true,
        describe: 'With --runs: minimum time since their end: 14d, 12h',
      })
      .option('dry-run', flag('Print what would be removed, and remove nothing'))
      .option('json', flag('Print what was removed as one line of JSON'))
      .example('$0 cleanup --dry-run', 'Print what would be removed')
      .example('$0 cleanup --runs --older-than 14d', 'Remove old runs'),

  async handler(options: CleanupOptions) {
    const { stateDir, dryRun, json } = options;
    const request = { ...options, runsOlderThan: ageOf(options) };
    const state = openStateDir(stateDirPath(stateDir, process.env));
    const cleaned = [await cleanState(state, request)];
    const checks: string[] = [];
    for (const folder of endedCheckFolders(state)) {
      const ofCheck = await cleanState(folder.state, { ...request, ...onlyContainers });
      cleaned.push(ofCheck);
      if (ofCheck.problems.length > 0) continue;
      checks.push(folder.id);
      if (!dryRun) removeCheckFolder(folder);
    }
    const done = combined(cleaned.map(part => part.done));
    if (json) printJson({ dryRun, ...done, checks });
    else printLine(`${dryRun ? 'would remove' : 'removed'} ${summary({ ...done, checks })}`);
    const problems = cleaned.flatMap(part => part.problems);
    if (problems.length > 0) throw new EngineError(problems.join('\n'));
    return 0;
  },
};

/** A check of a provider has left containers and networks at most. */
const onlyContainers = { all: false, network: false, images: false, runsOlderThan: null };

/** Remove what the runs of a state directory have left, or in a dry run print it. */
async function cleanState(
  state: StateDir,
  { dryRun, ...request }: CleanupRequest & Pick<CleanupOptions, 'dryRun'>,
): Promise<{ readonly done: Removed; readonly problems: readonly string[] }> {
  const engines = await enginesOf(state);
  const plans = await planCleanup(engines, state, request);
  for (const line of plans.flatMap(({ plan }) => skippedLines(plan))) printLine(line);
  const list = planTable(
    state,
    plans.map(({ plan }) => plan),
  );
  if (list !== '') printLine(list);

  const results = dryRun ? plans.map(({ plan }) => dryRunResult(plan)) : await removeAll(plans, state);
  const failures = results.flatMap(result => result.failures);
  return {
    done: combined(results.map(result => result.done)),
    problems: [
      ...(failures.length > 0 ? [`could not remove ${failures.join('; ')}`] : []),
      ...engines.missing.map(({ why }) => why),
      ...new Set(plans.flatMap(({ plan }) => plan.problems)),
    ],
  };
}

/** Return the minimum age of runs to remove, in milliseconds, or null to remove none. */
function ageOf({ runs, olderThan }: CleanupOptions): number | null {
  if (!runs && olderThan === undefined) return null;
  if (!runs) throw new UsageError('--older-than requires --runs: agent-flow cleanup --runs --older-than 14d');
  if (olderThan === undefined)
    throw new UsageError('--runs requires --older-than: agent-flow cleanup --runs --older-than 14d');
  const age = parseAge(`${olderThan}`);
  if (age === null)
    throw new UsageError(
      `--older-than ${oneLine(`${olderThan}`)} is not a valid duration. Examples: 14d, 12h, 1d12h`,
    );
  return age;
}

function summary({
  removed,
  networks,
  volumes,
  reservations,
  images,
  runs,
  checks,
}: Removed & { readonly checks: readonly string[] }): string {
  const counts = [
    ['network', networks.length],
    ['volume', volumes.length],
    ['reservation', reservations.length],
    ['image', images.removed.length],
    ['run', runs.removed.length],
    ['check of a provider', checks.length],
  ] as const;
  const more = counts.filter(([, count]) => count > 0).map(([what, count]) => counted(count, what));
  return [counted(removed.length, 'container'), ...more].join(', ');
}

const counted = (count: number, what: string) =>
  `${count} ${count === 1 ? what : what.replace(/^\w+/, word => `${word}s`)}`;
