import { UsageError } from '../errors.ts';
import { type AgentState, type FlowState, ofAgent } from '../state/flow-state.ts';
import { stateLabel, statusLabel } from '../state/state-label.ts';
import { runState } from '../store/run-state.ts';
import type { RunFolder, StateDir } from '../store/state-directory.ts';
import { oneLine } from '../text/text.ts';
import { printLine } from './command.ts';

export interface FoundRun {
  readonly folder: RunFolder;
  readonly state: FlowState;
}

export interface FoundAgent extends FoundRun {
  readonly agent: AgentState;
}

export const readRun = (folder: RunFolder): FoundRun => ({ folder, state: runState(folder) });

/** Return the runs whose journal can be read; call `report` with the error of each other one. */
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

/** Warn about a run that `readRuns` skips, in commands that only list. */
export const cannotBeRead = (error: unknown, { runId }: RunFolder) =>
  printLine(`skipped run ${runId}, which cannot be read: ${oneLine((error as Error).message)}`);

/** Return the run with this id (default: the latest). */
export function findRun(stateDir: StateDir, runId: string | undefined): FoundRun {
  const runs = stateDir.runs();
  const folder = runId === undefined ? runs[0] : runs.find(run => run.runId === runId);
  if (folder) return readRun(folder);
  if (runId === undefined) throw new UsageError('no runs found. Start one: agent-flow run spec.json');
  throw new UsageError(`run ${oneLine(runId)} does not exist. ${candidates(runs.map(run => run.runId))}`);
}

/** Return the agent named `agent`, in the latest run, or `run/agent`. */
export function findAgent(stateDir: StateDir, name: string): FoundAgent {
  const [first = '', second, ...more] = name.split('/');
  if (more.length > 0) throw new UsageError(`invalid agent "${oneLine(name)}": expected AGENT or RUN/AGENT`);
  const run = findRun(stateDir, second === undefined ? undefined : first);
  const agent = ofAgent(run.state, second ?? first);
  if (agent) return { ...run, agent };
  const known = Object.keys(run.state.agents).map(known => `${run.folder.runId}/${known}`);
  throw new UsageError(
    `agent ${oneLine(second ?? first)} does not exist in run ${run.folder.runId}. ${candidates(known)}`,
  );
}

/** Return the label of an agent's status or state: `running`, `cancelled`. */
export const inWords = ({ status, state }: AgentState) =>
  status === null ? (stateLabel(state) ?? state) : statusLabel[status];

const candidates = (names: readonly string[]) =>
  names.length === 0 ? 'None found' : `Found: ${names.slice(0, 10).map(oneLine).join(', ')}`;
