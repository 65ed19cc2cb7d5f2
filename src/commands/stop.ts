import { connectToRun } from '../connection/run-connection.ts';
import type { Docker } from '../docker/cli.ts';
import { containers } from '../docker/containers.ts';
import { labelFilter } from '../docker/labels.ts';
import { EngineError } from '../errors.ts';
import { listRunNetworks, removeRunNetwork } from '../networks/run-networks.ts';
import { requestStop } from '../run/request-stop.ts';
import { resumeRun } from '../run/resume-run.ts';
import { lockHolder } from '../store/lock.ts';
import { explainHolder } from '../store/lock-holder.ts';
import { openStateDir, type RunFolder, stateDirPath } from '../store/state-directory.ts';
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
    }
    const { docker } = await connectToRun(found.folder);
    const kept = await removeKept(docker, found.folder, agent, state.instance);
    if (agent === null && !lockHolder(found.folder.lock))
      await removeNetworks(docker, found.folder, state.instance);
    if (!wasOver) printLine(`stopped and removed ${name}`);
    else printLine(`${name} has already finished${kept > 0 ? '; removed its kept containers' : ''}`);
    return 0;
  },
};

const isOver = ({ state }: FoundRun, agent: string | null) =>
  agent === null ? state.ended !== null : (state.agents[agent]?.status ?? null) !== null;

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
async function removeNetworks(docker: Docker, { runId }: RunFolder, instance: string): Promise<void> {
  for (const id of await listRunNetworks(docker, instance, runId)) {
    const problem = await removeRunNetwork(docker, id);
    if (problem) throw new EngineError(`could not remove network ${id.slice(0, 12)}: ${problem.why}`);
  }
}
