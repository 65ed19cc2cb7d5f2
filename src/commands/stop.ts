import type { EngineConnection } from '../connection/engine-connection.ts';
import { connectToAgent, connectToRun } from '../connection/run-connection.ts';
import type { Docker } from '../docker/cli.ts';
import { containers } from '../docker/containers.ts';
import { labelFilter, type RunOwner } from '../docker/labels.ts';
import { EngineError } from '../errors.ts';
import { listRunNetworks, type RunNetworkDriver, removeRunNetwork } from '../networks/run-networks.ts';
import { removeRunVolumes } from '../recovery/run-volumes.ts';
import { requestStop } from '../run/request-stop.ts';
import { resumeRun } from '../run/resume-run.ts';
import { lockHolder } from '../store/lock.ts';
import { explainHolder } from '../store/lock-holder.ts';
import { openStateDir, type RunFolder, type StateDir, stateDirPath } from '../store/state-directory.ts';
import { oneLine } from '../text/text.ts';
import { type Command, type CommonOptions, printLine } from './command.ts';
import { newEngineOption } from './engine-option.ts';
import { type FoundRun, findAgent, findRun, readRun } from './find-agent.ts';

interface StopOptions extends CommonOptions {
  readonly target?: string;
  readonly newEngine: boolean;
  readonly force: boolean;
}

export const stop: Command = {
  options: yargs =>
    yargs
      .positional('target', {
        type: 'string',
        describe: 'RUN, AGENT or RUN/AGENT (default: latest run)',
      })
      .option('force', {
        type: 'boolean',
        default: false,
        describe: 'Take over from a supervisor that cannot be checked',
      })
      .option('new-engine', newEngineOption),

  async handler({ stateDir, target, force, newEngine: isNewEngine }: StopOptions) {
    const state = openStateDir(stateDirPath(stateDir, process.env));
    const isRun = target === undefined || state.runs().some(({ runId }) => runId === target);
    const foundAgent = isRun ? null : findAgent(state, target);
    const found: FoundRun = foundAgent ?? findRun(state, target);
    const agent = foundAgent?.agent.name ?? null;
    const name = agent === null ? found.folder.runId : `${found.folder.runId}/${agent}`;
    const holder = lockHolder(found.folder.lock);
    const wasOver = isOver(found, agent) && holder === null;
    const isOverNow = () => isOver(readRun(found.folder), agent);
    if (holder !== null && !(force && holder.doubt !== null)) {
      printLine(`asked the supervisor of run ${found.folder.runId} to stop ${agent ?? 'it'}`);
      if (holder.doubt !== null) printLine(`the supervisor is ${explainHolder(holder)}`);
      await requestStop(found.folder, { agent, isOver: isOverNow, log: printLine });
    }
    // The supervisor may have exited by now.
    if (!isOverNow()) {
      const run = await resumeRun(found.folder, { stateDir: state, stopOnly: { agent }, force, isNewEngine });
      await run.done;
      // No other process prints them, such as the place of work that could not be saved.
      for (const line of warningLines(readRun(found.folder), found)) printLine(line);
    }
    // An approval has no container.
    const hasNone = foundAgent?.agent.approval !== undefined;
    const kept = hasNone ? 0 : await removeOnEngines(state, found.folder, agent);
    if (!wasOver) printLine(`stopped and removed ${name}`);
    else printLine(`${name} has already finished${kept > 0 ? '; removed its kept containers' : ''}`);
    return 0;
  },
};

const isOver = ({ state }: FoundRun, agent: string | null) =>
  agent === null ? state.ended !== null : (state.agents[agent]?.status ?? null) !== null;

/** Return the warnings of a run since it was read before. */
const warningLines = (run: FoundRun, before: FoundRun) =>
  run.state.warnings
    .slice(before.state.warnings.length)
    .map(({ agent, message }) => `warning: ${agent === null ? '' : `${agent}: `}${oneLine(message)}`);

/** Remove what is left on each engine. Throws for one that cannot be reached, after the others. */
async function removeOnEngines(state: StateDir, folder: RunFolder, agent: string | null): Promise<number> {
  const engines =
    agent === null ? await connectToRun(folder) : await Promise.allSettled([connectToAgent(folder, agent)]);
  const reached = engines.flatMap(engine => (engine.status === 'fulfilled' ? [engine.value] : []));
  let kept = 0;
  for (const { docker } of reached) kept += await removeLeft(docker, state, folder, agent);
  const failed = engines.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
  if (agent === null && !lockHolder(folder.lock)) await removeSwarmNetworks(reached, state, folder);
  return kept;
}

/** Remove what is left of a finished run or agent on an engine. Return the number of kept containers. */
async function removeLeft(
  docker: Docker,
  { instance }: StateDir,
  folder: RunFolder,
  agent: string | null,
): Promise<number> {
  const kept = await removeKept(docker, folder, agent, instance);
  const { runId, lock } = folder;
  await removeRunVolumes(docker, { instance, runId }, { state: readRun(folder).state, agent });
  if (agent === null && !lockHolder(lock)) await removeNetworks(docker, 'bridge', { instance, runId });
  return kept;
}

/** Remove the kept containers of a finished run or agent. Return their number. */
async function removeKept(
  docker: Docker,
  folder: RunFolder,
  agent: string | null,
  instance: string,
): Promise<number> {
  const known = containers(docker);
  const ofThis = [labelFilter.managed, labelFilter.instance(instance), labelFilter.run(folder.runId)];
  const kept = await known.list(agent === null ? ofThis : [...ofThis, labelFilter.agent(agent)]);
  for (const { id } of kept) {
    const result = await known.remove(id);
    if (!result.ok) throw new EngineError(`could not remove ${id.slice(0, 12)}: ${result.stderr.trim()}`);
  }
  return kept.length;
}

/** Remove the run's networks, which stay as long as kept containers use them. */
async function removeNetworks(
  docker: Docker,
  driver: RunNetworkDriver,
  owner: RunOwner,
  others: readonly Docker[] = [],
): Promise<void> {
  for (const id of await listRunNetworks(docker, driver, owner)) {
    const problem = await removeRunNetwork(docker, id, others);
    if (problem) throw new EngineError(`could not remove network ${id.slice(0, 12)}: ${problem.why}`);
  }
}

/** Remove the run's networks that the nodes of a Docker Swarm share, after the containers on all nodes. */
async function removeSwarmNetworks(
  engines: readonly EngineConnection[],
  { instance }: StateDir,
  { runId }: RunFolder,
): Promise<void> {
  const clients = engines.map(({ docker }) => docker);
  for (const { docker } of engines.filter(({ engine }) => engine.swarm?.isManager)) {
    const others = clients.filter(other => other !== docker);
    await removeNetworks(docker, 'overlay', { instance, runId }, others);
  }
}
