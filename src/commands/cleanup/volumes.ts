import { withEngineError } from '../../connection/engine-error.ts';
import type { Docker } from '../../docker/cli.ts';
import { label } from '../../docker/labels.ts';
import { type FoundVolume, removeVolume } from '../../docker/volumes.ts';
import { hasSupervisor } from '../../recovery/has-supervisor.ts';
import { findRunVolumes, isDisposable } from '../../recovery/run-volumes.ts';
import type { FlowState } from '../../state/flow-state.ts';
import type { StateDir } from '../../store/state-directory.ts';
import { oneLine } from '../../text/text.ts';
import { readRun } from '../find-agent.ts';

export interface VolumesToRemove {
  readonly force: boolean;
  /** Runs that are removed, with clones whose work could not be saved. */
  readonly runs: ReadonlySet<string>;
}

/** Find the volumes that runs of this state directory left behind. One with work that is nowhere else stays with its run. */
export async function findVolumes(
  docker: Docker,
  state: StateDir,
  { force, runs }: VolumesToRemove,
): Promise<FoundVolume[]> {
  const found = await withEngineError(findRunVolumes(docker, state), 'list volumes');
  const states = new Map<string, FlowState | null>();
  return found.filter(volume => {
    const runId = volume.labels[label.runId] ?? '';
    if (!force && hasSupervisor(state, volume)) return false;
    if (!states.has(runId)) states.set(runId, stateOf(state, runId));
    return runs.has(runId) || isDisposable(volume, states.get(runId)!);
  });
}

/** Return the state of a run; null if it has no record. */
function stateOf(state: StateDir, runId: string): FlowState | null {
  const folder = state.runs().find(run => run.runId === runId);
  return folder === undefined ? null : readRun(folder).state;
}

/** Remove a volume. Returns null, or the reason why it still exists. */
export async function removeLeftVolume(docker: Docker, { name }: FoundVolume): Promise<string | null> {
  try {
    return (await removeVolume(docker, name)) ? null : 'a container uses it';
  } catch (error) {
    return oneLine((error as Error).message);
  }
}
