import type { EngineConnection } from '../../connection/engine-connection.ts';
import { withEngineError } from '../../connection/engine-error.ts';
import type { EnginesOfRuns } from '../../connection/run-connection.ts';
import type { Docker } from '../../docker/cli.ts';
import { type Container, containers } from '../../docker/containers.ts';
import { label, labelFilter } from '../../docker/labels.ts';
import type { FoundVolume } from '../../docker/volumes.ts';
import { hasSupervisor } from '../../recovery/has-supervisor.ts';
import { lockHolder } from '../../store/lock.ts';
import type { StateDir } from '../../store/state-directory.ts';
import type { FoundReservation } from '../../swarm/reservation.ts';
import { table } from '../../text/table.ts';
import { oneLine } from '../../text/text.ts';
import { cannotBeRead, readRuns } from '../find-agent.ts';
import { findImages, type RemovableImage } from './images.ts';
import { findRunNetworks, findSharedNetworks, type RemovableNetwork } from './networks.ts';
import { findLeftReservations } from './reservations.ts';
import { findRuns, type RemovableRun } from './runs.ts';
import type { Skipped } from './skipped.ts';
import { findVolumes } from './volumes.ts';

export interface CleanupRequest {
  readonly all: boolean;
  readonly force: boolean;
  readonly network: boolean;
  readonly images: boolean;
  /** Milliseconds; null to remove no runs. */
  readonly runsOlderThan: number | null;
}

/** The resources to remove from one engine, and the requested ones to skip. */
export interface Plan {
  readonly containers: readonly Container[];
  readonly networks: readonly RemovableNetwork[];
  readonly volumes: readonly FoundVolume[];
  readonly reservations: readonly FoundReservation[];
  readonly images: readonly RemovableImage[];
  readonly runs: readonly RemovableRun[];
  /** Containers of runs that have a supervisor. */
  readonly inUse: readonly Container[];
  readonly skippedImages: readonly Skipped[];
  readonly skippedRuns: readonly Skipped[];
  /** Why something may be left that is not listed. */
  readonly problems: readonly string[];
  /** Include what a supervisor may be using. */
  readonly force: boolean;
}

const none = { removable: [], skipped: [] };

/** The plan for one engine. */
export interface EnginePlan extends Pick<EngineConnection, 'docker' | 'engine'> {
  readonly plan: Plan;
}

/**
 * Plan the cleanup of every engine that runs of this state directory are on. Only on the current engine does it include
 * what belongs to no run, such as images.
 */
export async function planCleanup(
  { found, current, missing }: EnginesOfRuns,
  state: StateDir,
  request: CleanupRequest,
): Promise<EnginePlan[]> {
  const plans: EnginePlan[] = [];
  const unreachable = missing.flatMap(({ runs }) => runs);
  /** Containers that will not be removed. */
  const staying: Container[] = [];
  // The current one is the last: it removes the runs, with files of this machine.
  const ordered = found.toSorted((a, b) => Number(a === current) - Number(b === current));
  for (const connection of ordered) {
    const { docker, engine } = connection;
    const scope =
      connection === current ? request : { ...request, all: false, network: false, images: false };
    const found = await planOn(connection, state, scope);
    staying.push(...found.staying);
    plans.push({ docker, engine, plan: withoutKnown(found.plan, plans, unreachable) });
  }
  const { runsOlderThan: olderThan, force } = request;
  const { removable: runs, skipped: skippedRuns } =
    olderThan === null ? none : findRuns(state, { olderThan, force }, { staying, unreachable }, Date.now());
  const gone = new Set(runs.map(({ folder }) => folder.runId));
  // Runs go last, after the containers on all engines.
  return Promise.all(
    plans.map(async (entry, index) => {
      const volumes = await findVolumes(entry.docker, state, { force, runs: gone });
      const last = index < plans.length - 1 ? {} : { runs, skippedRuns };
      return { ...entry, plan: { ...entry.plan, volumes, ...last } };
    }),
  );
}

/**
 * Several engines may be managers of one Swarm, and list the same reservations and networks. A network of the Swarm stays if
 * not all engines of its run can be reached: a kept container on it could not be started again.
 */
function withoutKnown(plan: Plan, earlier: readonly EnginePlan[], unreachable: readonly string[]): Plan {
  const known = new Set(
    earlier.flatMap(({ plan }) => [...plan.reservations, ...plan.networks].map(({ id }) => id)),
  );
  const mayBeUsed = ({ scope, runId }: RemovableNetwork) =>
    scope === 'swarm' && runId !== null && unreachable.includes(runId);
  return {
    ...plan,
    reservations: plan.reservations.filter(({ id }) => !known.has(id)),
    networks: plan.networks.filter(network => !known.has(network.id) && !mayBeUsed(network)),
  };
}

async function planOn(
  { docker, engine }: Pick<EngineConnection, 'docker' | 'engine'>,
  state: StateDir,
  request: Omit<CleanupRequest, 'runsOlderThan'>,
) {
  const { all, force, network, images } = request;
  const found = await listed(docker, [labelFilter.managed]);
  const candidates = found.filter(({ labels }) => all || labels[label.instance] === state.instance);
  const inUse = candidates.filter(container => !force && hasSupervisor(state, container));
  const removable = candidates.filter(container => !inUse.includes(container));
  const stays = ({ id }: Container) => !removable.some(container => container.id === id);
  // Any container may use an image of ours.
  const users = images ? (await listed(docker, [])).filter(stays) : [];
  const { removable: removableImages, skipped: skippedImages } = images
    ? await findImages(docker, users, isBuilding(state))
    : none;
  const { reservations, problems } = await findLeftReservations({ docker, engine }, state, force);
  const plan: Plan = {
    containers: removable,
    volumes: [],
    reservations,
    networks: [
      ...(await findRunNetworks({ docker, engine }, state, force)),
      ...(network ? await findSharedNetworks(docker) : []),
    ],
    images: removableImages,
    runs: [],
    inUse,
    skippedImages,
    skippedRuns: [],
    problems,
    force,
  };
  return { plan, staying: found.filter(stays) };
}

async function listed(docker: Docker, filters: readonly string[]): Promise<Container[]> {
  const known = containers(docker);
  const inspected = known.list(filters).then(found => known.inspect(found.map(({ id }) => id)));
  return withEngineError(inspected, 'list containers');
}

const isBuilding = (state: StateDir) =>
  readRuns(
    state.runs().filter(folder => lockHolder(folder.lock) !== null),
    cannotBeRead,
  ).some(run => Object.values(run.state.agents).some(agent => agent.state === 'building'));

/** Render what will be removed as a table; empty if that is nothing. */
export function planTable(state: StateDir, plans: readonly Plan[]): string {
  const rows = plans.flatMap(plan => [
    ...plan.containers.map(row => ['container', row.name, `${row.state}, ${origin(state, row)}`]),
    ...plan.networks.map(({ name, about }) => ['network', name, about]),
    ...plan.volumes.map(ofRun('volume')),
    ...plan.reservations.map(ofRun('reservation')),
    ...plan.images.map(({ name, about }) => ['image', shortName(name), about]),
    ...plan.runs.map(({ folder, about }) => ['run', folder.runId, about]),
  ]);
  return rows.length === 0 ? '' : table([['KIND', 'NAME', 'DETAILS'], ...rows]);
}

const ofRun =
  (kind: string) =>
  ({ name, labels }: Pick<FoundVolume, 'name' | 'labels'>) => [
    kind,
    oneLine(name),
    `run ${oneLine(labels[label.runId] ?? '')}`,
  ];

/** Return a line for each thing that is skipped. */
export function skippedLines({ inUse, skippedImages, skippedRuns }: Plan): string[] {
  const names = inUse.map(({ name }) => name).join(', ');
  return [
    ...(inUse.length === 0 ? [] : [`skipped, in use by a supervisor: ${names} (use --force to remove them)`]),
    ...skippedImages.map(({ name, why }) => `skipped image ${oneLine(shortName(name))}: ${why}`),
    ...skippedRuns.map(({ name, why }) => `skipped run ${name}: ${why}`),
  ];
}

const shortName = (name: string) => name.replace(/^sha256:([0-9a-f]{12})[0-9a-f]+$/, '$1');

function origin(state: StateDir, { labels }: Container): string {
  if (labels[label.instance] === state.instance) return `run ${oneLine(labels[label.runId] ?? '')}`;
  return labels[label.instance] === undefined ? 'created by hand' : 'of another state directory';
}
