import { setTimeout as delay } from 'node:timers/promises';
import { dockerCli } from '../docker/cli.ts';
import { containers, marked, ofAgent, ofInstance, ofRun } from '../docker/containers.ts';
import { unrecorded } from '../docker/recorder.ts';
import { openJournal, readJournal } from '../engine/journal.ts';
import { isLock, lockHolder, takeLock } from '../engine/lock.ts';
import { leaveRequest } from '../engine/requests.ts';
import { openStateDir, stateDirPath } from '../engine/state-dir.ts';
import { EngineError } from '../errors.ts';
import { exitCodeOf } from '../views/result.ts';
import { type Command, type CommonOptions, say } from './command.ts';
import { type FoundRun, findAgent, findRun, readRun } from './find-agent.ts';

interface StopOptions extends CommonOptions {
  readonly target?: string;
}

export const stop: Command = {
  usage: ['stop [target]', 'down [target]'],
  describe: 'stop and remove a run, or one agent of it',
  options: yargs =>
    yargs.positional('target', {
      type: 'string',
      describe: 'run, agent or run/agent; the newest run where none is named',
    }),

  async handler({ stateDir, target }: StopOptions) {
    const state = openStateDir(stateDirPath(stateDir, process.env));
    const isRun = target === undefined || state.runs().some(({ runId }) => runId === target);
    const foundAgent = isRun ? null : findAgent(state, target);
    const found: FoundRun = foundAgent ?? findRun(state, target);
    const agent = foundAgent?.agent.name ?? null;
    const name = agent === null ? found.folder.runId : `${found.folder.runId}/${agent}`;
    if (isOver(found, agent) && !lockHolder(found.folder.lock)) {
      const kept = await removeLeftOvers(found, agent, state.instance);
      say(`${name} is over already${kept > 0 ? `; removed what was kept of it` : ''}`);
      return 0;
    }
    if (lockHolder(found.folder.lock)) {
      leaveRequest(found.folder.requests, { stop: agent });
      say(`asked the engine of ${found.folder.runId} to stop ${agent ?? 'the run'}`);
      while (!isOver(readRun(found.folder), agent) && lockHolder(found.folder.lock)) await delay(300);
    } else {
      await removeLeftOvers(found, agent, state.instance);
    }
    say(`${name} is stopped and removed`);
    return 0;
  },
};

const isOver = ({ state }: FoundRun, agent: string | null) =>
  agent === null ? state.ended !== null : (state.agents[agent]?.status ?? null) !== null;

/** Of a run that no engine drives: takes its place for as long as that takes. Returns how many containers there were. */
async function removeLeftOvers(found: FoundRun, agent: string | null, instance: string): Promise<number> {
  const { folder } = found;
  const lock = takeLock(folder.lock);
  if (!isLock(lock))
    throw new EngineError(`process ${lock.pid} has just taken over ${folder.runId}; try again`);
  try {
    const docker = dockerCli(unrecorded);
    const known = containers(docker);
    const filters = [
      marked,
      ofInstance(instance),
      ofRun(folder.runId),
      ...(agent === null ? [] : [ofAgent(agent)]),
    ];
    const left = await known.list(filters);
    for (const { id } of left) {
      await docker(['stop', '--time=5', id], { changes: true });
      const answer = await known.remove(id);
      if (!answer.ok) throw new EngineError(`could not remove ${id.slice(0, 12)}: ${answer.stderr.trim()}`);
    }
    await tellCancelled(found, agent);
    return left.length;
  } finally {
    lock[Symbol.dispose]();
  }
}

/** The journal of a run whose engine is gone learns that it was stopped: without that it would seem alive for ever. */
async function tellCancelled({ folder }: FoundRun, only: string | null): Promise<void> {
  const { events } = readJournal(folder.journal);
  const before = readRun(folder).state;
  if (before.ended !== null) return;
  const journal = openJournal(folder.journal, Date.now, (events.at(-1)?.seq ?? 0) + 1);
  try {
    const alive = Object.values(before.agents).filter(
      ({ status, name }) => status === null && (only ?? name) === name,
    );
    for (const { name, containerId, image } of alive)
      await journal.append({
        type: 'agent.ended',
        agent: name,
        status: 'cancelled',
        exitCode: null,
        error: null,
        containerId,
        image,
      });
    const { state } = readRun(folder);
    const isOver = Object.values(state.agents).every(({ status }) => status !== null);
    if (isOver) await journal.append({ type: 'run.ended', status: 'cancelled', exitCode: exitCodeOf(state) });
  } finally {
    journal[Symbol.dispose]();
  }
}
