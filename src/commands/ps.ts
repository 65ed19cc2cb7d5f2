import { enginesOf } from '../connection/run-connection.ts';
import { containers } from '../docker/containers.ts';
import { DockerError } from '../docker/docker-error.ts';
import { formatUsd } from '../prices/cost.ts';
import { findOrphans, isLost, isOurs, type Orphan } from '../recovery/orphans.ts';
import { stateLabel, statusLabel } from '../state/state-label.ts';
import { usageOf } from '../state/usage.ts';
import { lockHolder } from '../store/lock.ts';
import { explainHolder } from '../store/lock-holder.ts';
import { openStateDir, type StateDir, stateDirPath } from '../store/state-directory.ts';
import { table } from '../text/table.ts';
import { oneLine } from '../text/text.ts';
import { type Command, type CommonOptions, printJson, printLine } from './command.ts';
import { cannotBeRead, readRuns } from './find-agent.ts';
import { ago, asJson, orphanRow } from './ps/orphans.ts';

interface PsOptions extends CommonOptions {
  readonly all: boolean;
  readonly json: boolean;
}

export const ps: Command = {
  options: yargs =>
    yargs
      .option('all', {
        alias: 'a',
        type: 'boolean',
        default: false,
        describe: 'Include finished runs, and all orphans',
      })
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'Print them as one line of JSON',
      }),

  async handler({ stateDir: path, all, json }: PsOptions) {
    const now = Date.now();
    const stateDir = openStateDir(stateDirPath(path, process.env));
    const unseen: string[] = [];
    const rows = readRuns(stateDir.runs(), cannotBeRead)
      .map(run => ({ ...run, engine: lockHolder(run.folder.lock) }))
      .filter(({ state }) => all || state.ended === null)
      .flatMap(({ folder, state, engine }) => {
        if (engine?.doubt && !state.ended)
          unseen.push(`run ${folder.runId} is being executed by ${explainHolder(engine)}`);
        return Object.values(state.agents).map(agent => ({
          run: folder.runId,
          agent: agent.name,
          state: agent.status ?? agent.state,
          // An unfinished run without a supervisor was left behind by a crash.
          reused: agent.reused ?? null,
          engine: state.ended ? null : (engine?.identity?.pid ?? null),
          abandoned: agent.status === null && state.ended === null && engine === null,
          host: agent.host,
          attempt: agent.attempt,
          since: agent.since,
          exitCode: agent.exitCode,
          containerId: agent.containerId,
          costUsd: usageOf(agent)?.costUsd ?? null,
        }));
      });
    const hasCosts = rows.some(({ costUsd }) => costUsd !== null);
    const hasHosts = rows.some(({ host }) => host !== null);
    const optional = (cost: string, host: string) => [
      ...(hasCosts ? [cost] : []),
      ...(hasHosts ? [host] : []),
    ];
    const orphans = (await listOrphans(stateDir)).filter(orphan => all || isOurs(orphan, stateDir));
    if (json) printJson([...rows, ...orphans.map(asJson)]);
    else if (rows.length + orphans.length === 0)
      printLine(all ? 'no runs' : 'no active agents; use --all to include finished runs');
    else
      process.stdout.write(
        `${table([
          ['AGENT', 'STATE', 'SINCE', 'ATTEMPT', 'EXIT', 'CONTAINER', ...optional('COST', 'HOST')],
          ...rows.map(row => [
            `${row.run}/${row.agent}`,
            // The last state before a crash is not the current one.
            `${inWords(row.state)}${row.abandoned ? ', no engine' : row.reused === null ? '' : ', reused'}`,
            row.since === null ? '' : ago(row.since, now),
            String(row.attempt),
            row.exitCode === null ? '' : String(row.exitCode),
            row.containerId?.slice(0, 12) ?? '',
            ...optional(row.costUsd === null ? '' : formatUsd(row.costUsd), row.host ?? ''),
          ]),
          ...orphans.map(orphan => [...orphanRow(orphan, now), ...optional('', '')]),
        ])}\n`,
      );
    for (const line of json ? [] : unseen) printLine(line);
    if (!json && orphans.some(isLost))
      printLine('run agent-flow resume --adopt to adopt orphans, or agent-flow cleanup to remove them');
    return 0;
  },
};

/** Return the label of a status, or of a state of the machine. */
function inWords(state: string): string {
  return (statusLabel as Record<string, string>)[state] ?? stateLabel(state) ?? state;
}

/** Short, since the list of runs comes from the journals and needs no Docker. */
const dockerTimeoutMs = 2_000;

async function listOrphans(stateDir: StateDir): Promise<Orphan[]> {
  try {
    const signal = AbortSignal.timeout(2 * dockerTimeoutMs);
    const { found, missing } = await enginesOf(stateDir, dockerTimeoutMs);
    for (const { why } of missing) printLine(`some orphans are not listed: ${oneLine(why)}`);
    const orphans = found.map(({ docker }) => findOrphans(containers(docker), stateDir, { signal }));
    return (await Promise.all(orphans)).flat();
  } catch (error) {
    const isSlow = error instanceof DockerError && error.interrupted !== null;
    const why = isSlow
      ? `Docker did not respond within ${dockerTimeoutMs / 1000} s`
      : (error as Error).message;
    printLine(`orphans are not listed: ${oneLine(why)}`);
    return [];
  }
}
