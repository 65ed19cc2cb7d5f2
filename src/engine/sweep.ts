import type { Containers } from '../docker/containers.ts';
import { marked, ofInstance, ofRun } from '../docker/containers.ts';

/** Removes what a run has left in Docker and is not meant to be kept. Returns the ids it could not remove. */
export async function sweep(
  containers: Containers,
  { instance, runId, kept }: { instance: string; runId: string; kept: ReadonlySet<string> },
): Promise<string[]> {
  const filters = [marked, ofInstance(instance), ofRun(runId)];
  // A passing failure of the last look must not make a run that is over a failed one.
  const look = () => containers.list(filters);
  const found = await look().catch(look).catch(look);
  const left: string[] = [];
  for (const { id } of found.filter(({ id }) => !kept.has(id))) {
    const answer = await containers.remove(id);
    if (!answer.ok) left.push(id);
  }
  return left;
}
