import * as z from 'zod';
import { StepError } from '../../machines/step-error.ts';
import { reservationName } from '../agent-container/names.ts';
import { dockerError, unreadableOutput } from '../docker/classify-error.ts';
import type { Docker, DockerOptions } from '../docker/cli.ts';
import { isOwned, label, labelFilter, labelFlags, ownedLabels, type RunOwner } from '../docker/labels.ts';
import { matchesMessage } from '../docker/messages.ts';
import { lines, parseOutput, readCommandError } from '../docker/parse-output.ts';
import type { CallScope } from '../docker/recorder.ts';
import type { AgentPlan } from '../spec/plan.ts';

/**
 * The room that Docker Swarm keeps for an attempt on a node: a service of one container that does nothing, with the
 * reservations and constraints of the agent. Swarm chooses the node, and does not place it again. The agent itself is no
 * service, since a service cannot have the sandbox: https://github.com/moby/moby/issues/41371
 */
export interface ReservationRequest {
  readonly owner: RunOwner;
  readonly scope: CallScope;
  /** Id or tag of the image of reservations. */
  readonly image: string;
  readonly agent: Pick<AgentPlan, 'memory' | 'cpus' | 'placement'>;
  /** Ids of nodes that it must not be placed on. */
  readonly exceptNodes: readonly string[];
}

/** The processor time of an agent whose plan does not set it. */
const defaultCpus = 2;

const timeout = 30_000;

/** Create the reservation, or find the one that an earlier call created. Returns the id of its service. */
export async function createReservation(
  docker: Docker,
  request: ReservationRequest,
  signal: AbortSignal,
): Promise<string> {
  const { owner, scope } = request;
  const name = reservationName(owner.runId, scope);
  const options: DockerOptions = { timeout, signal, scope };
  const created = await docker(reservationArgs(request), { ...options, isMutation: true });
  const operation = 'reserve room in the Swarm';
  if (created.ok) {
    const id = created.stdout.trim();
    if (id === '') throw unreadableOutput(created, operation);
    return id;
  }
  if (!matchesMessage('swarmNameTaken', created.stderr)) throw dockerError(created, { operation });
  const [found = null] = await inspectServices(docker, [name], options);
  if (found === null) throw new StepError('transient', `the service ${name} no longer exists`);
  if (!isOwned(found.labels, owner))
    throw new StepError(
      'nameConflict',
      `its name is held by service ${found.id}, which is not ours. Rename or remove that one`,
    );
  return found.id;
}

/** Return the docker arguments that create the reservation. */
export function reservationArgs({ owner, scope, image, agent, exceptNodes }: ReservationRequest): string[] {
  const { constraints = [], genericResources = {} } = agent.placement ?? {};
  const labels = {
    ...ownedLabels(owner, 'reservation'),
    [label.agent]: scope.agent,
    [label.attempt]: String(scope.attempt),
  };
  return [
    ...['service', 'create', '--quiet', '--detach', '--no-resolve-image'],
    // A health check of the image would delay it, and Swarm would place a task anew that has ended.
    ...['--no-healthcheck', '--mode=replicated', '--replicas=1', '--restart-condition=none'],
    `--name=${reservationName(owner.runId, scope)}`,
    ...labelFlags(labels),
    `--reserve-memory=${agent.memory}`,
    `--reserve-cpu=${agent.cpus ?? defaultCpus}`,
    ...Object.entries(genericResources).map(([kind, count]) => `--generic-resource=${kind}=${count}`),
    ...constraints.map(constraint => `--constraint=${constraint}`),
    ...exceptNodes.map(id => `--constraint=node.id!=${id}`),
    ...['--stop-signal=SIGKILL', '--read-only', '--user=65534:65534'],
    image,
  ];
}

/** Return the docker arguments that release the room. */
export const releaseArgs = (name: string) => ['service', 'rm', '--', name];

/** Release the room. A reservation that does not exist counts as released. */
export async function removeReservation(
  docker: Docker,
  name: string,
  options: Pick<DockerOptions, 'signal' | 'scope'> = {},
): Promise<void> {
  const result = await docker(releaseArgs(name), { ...options, timeout, isMutation: true });
  if (result.ok || matchesMessage('noService', result.stderr)) return;
  throw dockerError(result, { operation: `release the room of ${name}` });
}

const inspectedService = z
  .object({
    ID: z.string(),
    Spec: z.object({ Name: z.string(), Labels: z.record(z.string(), z.string()).nullish() }),
  })
  .transform(({ ID, Spec }) => ({ id: ID, name: Spec.Name, labels: Spec.Labels ?? {} }));

export type FoundReservation = z.output<typeof inspectedService>;

/** Find the reservations of a state directory, or of one of its runs. */
export async function findReservations(
  docker: Docker,
  { instance, runId }: { readonly instance: string; readonly runId?: string },
  options: DockerOptions = {},
): Promise<FoundReservation[]> {
  const filters = [
    labelFilter.managed,
    labelFilter.instance(instance),
    labelFilter.role('reservation'),
    ...(runId === undefined ? [] : [labelFilter.run(runId)]),
  ];
  const args = ['service', 'ls', '--quiet', ...filters.map(filter => `--filter=${filter}`)];
  const listed = await docker(args, { timeout, ...options });
  if (!listed.ok) throw dockerError(listed, { operation: 'list the services of the Swarm' });
  const ids = lines(listed.stdout);
  const found: FoundReservation[] = [];
  for (let at = 0; at < ids.length; at += inspectBatch)
    found.push(...(await inspectServices(docker, ids.slice(at, at + inspectBatch), options)));
  return found;
}

/** Services that one call inspects: docker prints more than 2 kB about each. */
const inspectBatch = 1_000;

async function inspectServices(
  docker: Docker,
  names: readonly string[],
  options: DockerOptions,
): Promise<FoundReservation[]> {
  const result = await docker(['service', 'inspect', '--', ...names], { timeout, ...options });
  if (!result.ok && !matchesMessage('noService', result.stderr)) throw readCommandError(result);
  return parseOutput(result, stdout => z.array(inspectedService).parse(JSON.parse(stdout || '[]')));
}
