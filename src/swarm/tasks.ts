import * as z from 'zod';
import type { Docker, DockerOptions } from '../docker/cli.ts';
import { matchesMessage } from '../docker/messages.ts';
import { lines, parseOutput, readCommandError } from '../docker/parse-output.ts';

const inspected = z
  .object({
    ServiceID: z.string(),
    NodeID: z.string().nullish(),
    DesiredState: z.string(),
    Status: z.object({ State: z.string(), Err: z.string().nullish(), Message: z.string().nullish() }),
  })
  .transform(({ ServiceID, NodeID, DesiredState, Status }) => ({
    serviceId: ServiceID,
    nodeId: NodeID || null,
    desiredState: DesiredState,
    state: Status.State,
    error: Status.Err ?? '',
  }));

type Task = z.output<typeof inspected>;

/** The progress of a reservation. */
type Placing =
  /** The reason is Swarm's own; empty before it has looked for a node. */
  { readonly type: 'pending'; readonly reason: string } | Settled;

export type Settled =
  | { readonly type: 'placed'; readonly nodeId: string }
  /** It was refused, or does not keep its room any more. */
  | { readonly type: 'over'; readonly nodeId: string | null; readonly reason: string };

const isPendingState = new Set(['new', 'allocated', 'pending']);
const keepsRoom = new Set(['assigned', 'accepted', 'preparing', 'ready', 'starting', 'running']);

const placingOf = ({ nodeId, desiredState, state, error }: Task): Placing => {
  if (desiredState === 'running' && isPendingState.has(state)) return { type: 'pending', reason: error };
  if (desiredState === 'running' && keepsRoom.has(state) && nodeId !== null)
    return { type: 'placed', nodeId };
  return { type: 'over', nodeId, reason: error === '' ? state : `${state}: ${error}` };
};

/** Return what Swarm has done with these services, by their ids; without those that have no task yet, or are gone. */
export async function placingsOf(
  docker: Docker,
  serviceIds: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Placing>> {
  const options: DockerOptions = { timeout: 30_000, isPolling: true, signal };
  const listed = await docker(['service', 'ps', '--quiet', '--no-trunc', '--', ...serviceIds], options);
  if (!listed.ok && !matchesMessage('noService', listed.stderr)) throw readCommandError(listed);
  const taskIds = lines(listed.stdout).map(id => id.trim());
  if (taskIds.length === 0) return new Map();
  const result = await docker(['inspect', '--type=task', '--', ...taskIds], options);
  // A task that was removed meanwhile is missing in the output, and fails the command.
  if (!result.ok && result.stdout.trim() === '') throw readCommandError(result);
  const tasks = parseOutput(result, stdout => z.array(inspected).parse(JSON.parse(stdout || '[]')));
  return new Map(tasks.map(task => [task.serviceId, placingOf(task)]));
}
