import type { StepInput } from '../../machines/agent-types.ts';
import type { ActorContext } from '../actors/context.ts';
import { clearClone } from '../actors/save-clone.ts';
import { isLeft, type SaveWorkPorts, saveWork } from '../actors/save-work.ts';
import { labelFilter } from '../docker/labels.ts';
import { listVolumes, removeVolume } from '../docker/volumes.ts';
import { type AttemptState, type FlowState, ofAgent } from '../state/flow-state.ts';
import { statFile } from '../store/state-files.ts';

export type UnsavedWorkPorts = SaveWorkPorts & Pick<ActorContext, 'clone' | 'containers'>;

export interface UnsavedWorkOptions {
  readonly state: () => FlowState;
  readonly names: readonly string[];
  readonly runId: string;
  readonly signal: AbortSignal;
}

/**
 * Save work that the machines did not get to, such as that of an agent whose container was removed from outside, and
 * remove clones that are no longer needed. A failure for one attempt is a warning, and does not affect the others.
 */
export async function saveUnsavedWork(
  context: UnsavedWorkPorts,
  { state, names, runId, signal }: UnsavedWorkOptions,
): Promise<void> {
  const attempts = names.flatMap(name =>
    (ofAgent(state(), name)?.attempts ?? []).map(entry => ({ name, entry })),
  );
  const exists = await existingClones(context, attempts, runId);
  const clones = attempts.filter(({ name, entry }) => exists(name, entry.attempt));
  if (clones.length === 0) return;
  const existing = new Set((await context.containers.list([labelFilter.run(runId)])).map(({ id }) => id));
  for (const { name, entry } of clones) {
    // The workspace of a container that is kept is in use.
    if (entry.containerId !== null && existing.has(entry.containerId)) continue;
    const owner = { agent: name, attempt: entry.attempt };
    if (hasRun(entry)) await saveWork(context, { ...noContainer, name, attempt: entry.attempt }, signal);
    const known = context.savedWork(name, entry.attempt);
    if (hasRun(entry) && (known === null || isLeft(known.workspace))) continue;
    await clearClone(context, owner, signal);
    const volume = context.cloneVolume(name, entry.attempt);
    if (volume !== null) await removeVolume(context.docker, volume, { signal, scope: owner });
  }
}

/** Return a function that looks for the clone of an attempt among those that exist. */
async function existingClones(
  context: UnsavedWorkPorts,
  attempts: readonly { readonly name: string; readonly entry: AttemptState }[],
  runId: string,
): Promise<(agent: string, attempt: number) => boolean> {
  const hasVolumes = attempts.some(({ name, entry }) => context.cloneVolume(name, entry.attempt) !== null);
  const filters = [labelFilter.run(runId), labelFilter.role('workspace')];
  const volumes = new Set(hasVolumes ? await listVolumes(context.docker, filters) : []);
  return (agent, attempt) => {
    const clone = context.clone(agent, attempt);
    const volume = context.cloneVolume(agent, attempt);
    if (volume !== null) return volumes.has(volume);
    return clone !== null && (statFile(clone)?.isDirectory() ?? false);
  };
}

const noContainer: Omit<StepInput, 'name' | 'attempt'> = {
  containerId: null,
  image: null,
  injectedAt: null,
  inDoubt: false,
  cancelled: false,
};

/** An attempt that was never started cannot have written anything. */
const hasRun = ({ timings }: AttemptState) =>
  ['starting', 'waitingForTmux', 'injecting', 'running', 'stopping'].some(state => state in timings);
