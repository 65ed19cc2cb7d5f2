import type { StepInput } from '../../machines/agent-types.ts';
import { marked, ofAgent, ofInstance, ofRun } from '../docker/containers.ts';
import { dockerError } from '../docker/errors.ts';
import { label } from '../docker/labels.ts';
import { type ActorContext, owner } from './context.ts';

type RemovePorts = Pick<ActorContext, 'clock' | 'containers' | 'identity'>;

/** A create that was cut off may land later: absence is believed after this many empty looks, so far apart in ms. */
const settlePasses = 3;
const settlePause = 300;

/** Removes the container of an attempt, and whatever a lost call may have made under the same labels. */
export async function removeContainer(
  world: RemovePorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<void> {
  if (input.containerId !== null) await remove(world, input, input.containerId, signal);
  if (!input.inDoubt) return;

  const { instance, runId } = world.identity(input.name, input.attempt);
  const filters = [
    marked,
    ofInstance(instance),
    ofRun(runId),
    ofAgent(input.name),
    `label=${label.attempt}=${input.attempt}`,
  ];
  for (let empty = 0; empty < settlePasses; empty++) {
    if (empty > 0) await world.clock.sleep(settlePause, signal);
    const left = await world.containers.list(filters, { signal, owner: owner(input) });
    for (const { id } of left) await remove(world, input, id, signal);
    if (left.length > 0) empty = -1;
  }
}

async function remove(world: RemovePorts, input: StepInput, id: string, signal: AbortSignal): Promise<void> {
  const answer = await world.containers.remove(id, { signal, owner: owner(input) });
  if (!answer.ok) throw dockerError(answer, { operation: 'remove the container' });
}
