import { UsageError } from '../errors.ts';
import { type AgentState, type FlowState, ofAgent } from '../state/flow-state.ts';
import { stateLabel, statusLabel } from '../state/state-label.ts';
import { runState } from '../store/run-state.ts';
import type { RunFolder, StateDir } from '../store/state-directory.ts';
import { oneLine } from '../text/text.ts';
import { say } from './command.ts';

export interface FoundRun {
  readonly folder: RunFolder;
  readonly state: FlowState;
}

export interface FoundAgent extends FoundRun {
  readonly agent: AgentState;
}

export const readRun = (folder: RunFolder): FoundRun => ({ folder, state: runState(folder) });

/** Those of the runs whose journal can be read; `report` is called with why the others cannot. */
export function readRuns(
  folders: readonly RunFolder[],
  report: (error: unknown, folder: RunFolder) => void,
): FoundRun[] {
  return folders.flatMap(folder => {
    try {
      return [readRun(folder)];
    } catch (error) {
      report(error, folder);
      return [];
    }
  });
}

/** For `readRuns`, in commands that only list. */
export const cannotBeRead = (error: unknown, { runId }: RunFolder) =>
  say(`${runId} is left out, since it cannot be read: ${oneLine((error as Error).message)}`);

/** The run of this id; without one the newest. */
export function findRun(stateDir: StateDir, runId: string | undefined): FoundRun {
  const runs = stateDir.runs();
  const folder = runId === undefined ? runs[0] : runs.find(run => run.runId === runId);
  if (folder) return readRun(folder);
  if (runId === undefined) throw new UsageError('there is no run yet: agent-flow run spec.json starts one');
  throw new UsageError(`there is no run ${oneLine(runId)}. ${candidates(runs.map(run => run.runId))}`);
}

/** An agent by `agent`, in the newest run, or by `run/agent`. */
export function findAgent(stateDir: StateDir, name: string): FoundAgent {
  const [first = '', second, ...more] = name.split('/');
  if (more.length > 0) throw new UsageError(`"${oneLine(name)}" is no agent: write agent or run/agent`);
  const run = findRun(stateDir, second === undefined ? undefined : first);
  const agent = ofAgent(run.state, second ?? first);
  if (agent) return { ...run, agent };
  const known = Object.keys(run.state.agents).map(known => `${run.folder.runId}/${known}`);
  throw new UsageError(
    `there is no agent ${oneLine(second ?? first)} in run ${run.folder.runId}. ${candidates(known)}`,
  );
}

/** What an agent is in, for people: `running`, `cancelled`. */
export const inWords = ({ status, state }: AgentState) =>
  status === null ? (stateLabel(state) ?? state) : statusLabel[status];

const candidates = (names: readonly string[]) =>
  names.length === 0
    ? 'There is none at all'
    : `There ${names.length === 1 ? 'is' : 'are'}: ${names.slice(0, 10).map(oneLine).join(', ')}`;
