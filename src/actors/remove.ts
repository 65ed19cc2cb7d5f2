import type { StepInput } from '../../machines/agent-types.ts';
import { untilAbsent } from '../agent-container/absence-checks.ts';
import { dockerError } from '../docker/classify-error.ts';
import { labelFilter } from '../docker/labels.ts';
import { removeVolume } from '../docker/volumes.ts';
import { type ActorContext, owner } from './context.ts';

type RemovePorts = Pick<
  ActorContext,
  'clock' | 'docker' | 'containers' | 'identity' | 'cloneVolume' | 'savedWork'
>;

/** Remove the container of an attempt, and containers with the same labels that a create in doubt may have made. */
export async function removeContainer(
  context: RemovePorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<void> {
  if (input.containerId !== null) await remove(context, input, input.containerId, signal);
  await removeCloneVolume(context, input, signal);
  if (!input.inDoubt) return;

  const { instance, runId } = context.identity(input.name, input.attempt);
  const filters = [
    labelFilter.managed,
    labelFilter.instance(instance),
    labelFilter.run(runId),
    labelFilter.agent(input.name),
    labelFilter.attempt(input.attempt),
  ];
  const removeLeft = async () => {
    const left = await context.containers.list(filters, { signal, scope: owner(input) });
    for (const { id } of left) await remove(context, input, id, signal);
    return left.length;
  };
  await untilAbsent(removeLeft, { sleep: ms => context.clock.sleep(ms, signal) });
}

/** Remove the volume with the clone of an attempt whose work is safe. Until then, its container used it. */
async function removeCloneVolume(context: RemovePorts, { name, attempt }: StepInput, signal: AbortSignal) {
  const volume = context.cloneVolume(name, attempt);
  const saved = context.savedWork(name, attempt);
  if (volume === null || saved === null || saved.workspace?.volume !== undefined) return;
  await removeVolume(context.docker, volume, { signal, scope: { agent: name, attempt } });
}

async function remove(
  context: RemovePorts,
  input: StepInput,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const result = await context.containers.remove(id, { signal, scope: owner(input) });
  if (!result.ok) throw dockerError(result, { operation: 'remove the container' });
}
