import * as z from 'zod';
import type { Docker, DockerOptions } from '../docker/cli.ts';
import { matchesMessage } from '../docker/messages.ts';
import { lines, parseOutput, readCommandError } from '../docker/parse-output.ts';

/** A task as `docker service ps --no-resolve` prints it: its states in words, and ids in place of names. */
const listed = z
  .object({
    /** `ID.1` */
    Name: z.string(),
    Node: z.string().nullish(),
    DesiredState: z.string(),
    /** `Running 5 seconds ago` */
    CurrentState: z.string(),
    /** In quotes; empty without one. */
    Error: z.string().nullish(),
  })
  .transform(({ Name, Node, DesiredState, CurrentState, ...task }) => ({
    serviceId: Name.split('.', 1)[0]!,
    nodeId: Node || null,
    desiredState: DesiredState.toLowerCase(),
    state: CurrentState.split(' ', 1)[0]!.toLowerCase(),
    error: (task.Error ?? '').replace(/^"(.*)"$/s, '$1'),
  }));

type Task = z.output<typeof listed>;

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

const removed: Settled = { type: 'over', nodeId: null, reason: 'it was removed' };

/** Services of one call: their ids become part of a URL, whose length an engine limits. */
const batch = 1_000;

/** Return what Swarm has done with these services, by their ids; without those that have no task yet. */
export async function placingsOf(
  docker: Docker,
  serviceIds: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Placing>> {
  const placings: (readonly [string, Placing])[] = [];
  for (let at = 0; at < serviceIds.length; at += batch)
    placings.push(...(await listPlacings(docker, serviceIds.slice(at, at + batch), signal)));
  return new Map(placings);
}

/** One call for all: `docker inspect` would send a request for each task. */
async function listPlacings(
  docker: Docker,
  serviceIds: readonly string[],
  signal: AbortSignal,
): Promise<(readonly [string, Placing])[]> {
  const options: DockerOptions = { timeout: 30_000, isPolling: true, signal };
  const flags = ['--no-resolve', '--no-trunc', '--format={{json .}}'];
  const result = await docker(['service', 'ps', ...flags, '--', ...serviceIds], options);
  const isMissing = matchesMessage('noService', result.stderr);
  if (!result.ok && !isMissing) throw readCommandError(result);
  const tasks = parseOutput(result, stdout => lines(stdout).map(line => listed.parse(JSON.parse(line))));
  // Docker lists the other services, and names those that do not exist.
  const missing = isMissing
    ? new Set(lines(result.stderr).map(line => line.trim().split(' ').at(-1)!))
    : null;
  return [
    ...serviceIds.flatMap(id => (missing?.has(id) ? [[id, removed] as const] : [])),
    ...tasks.map(task => [task.serviceId, placingOf(task)] as const),
  ];
}
