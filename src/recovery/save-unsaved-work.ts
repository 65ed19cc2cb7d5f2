import type { StepInput } from '../../machines/agent-types.ts';
import type { ActorContext } from '../actors/context.ts';
import { clearClone } from '../actors/save-clone.ts';
import { saveWork } from '../actors/save-work.ts';
import { labelFilter } from '../docker/labels.ts';
import { type AttemptState, type FlowState, ofAgent } from '../state/flow-state.ts';
import { statFile } from '../store/state-files.ts';

/**
 * Saves what the machines did not get to, such as the work of an agent whose container was removed from outside, and
 * removes the clones that nobody needs any more. Each on its own: what fails for one is a warning.
 */
export async function saveUnsavedWork(
  world: ActorContext,
  {
    state,
    names,
    runId,
    signal,
  }: { state: () => FlowState; names: readonly string[]; runId: string; signal: AbortSignal },
): Promise<void> {
  const left = names.flatMap(name =>
    (ofAgent(state(), name)?.attempts ?? [])
      .filter(({ attempt }) => {
        const clone = world.clone(name, attempt);
        return clone !== null && statFile(clone)?.isDirectory();
      })
      .map(entry => ({ name, entry })),
  );
  if (left.length === 0) return;
  const there = new Set((await world.containers.list([labelFilter.run(runId)])).map(({ id }) => id));
  for (const { name, entry } of left) {
    // One that is kept has its workspace in use.
    if (entry.containerId !== null && there.has(entry.containerId)) continue;
    const owner = { agent: name, attempt: entry.attempt };
    if (hasRun(entry)) await saveWork(world, { ...nobody, name, attempt: entry.attempt }, signal);
    const known = world.savedWork(name, entry.attempt);
    if (!hasRun(entry) || (known !== null && known.workspace?.path == null))
      await clearClone(world, owner, signal);
  }
}

const nobody: Omit<StepInput, 'name' | 'attempt'> = {
  containerId: null,
  image: null,
  injectedAt: null,
  inDoubt: false,
  cancelled: false,
};

/** Only one that was started can have written anything. */
const hasRun = ({ timings }: AttemptState) =>
  ['starting', 'waitingForTmux', 'injecting', 'running', 'stopping'].some(state => state in timings);
