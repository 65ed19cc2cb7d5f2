import type { EngineConnection } from '../../connection/engine-connection.ts';
import { withEngineError } from '../../connection/engine-error.ts';
import type { EnginesOfRuns } from '../../connection/run-connection.ts';
import type { Docker } from '../../docker/cli.ts';
import { type Container, containers } from '../../docker/containers.ts';
import { label, labelFilter } from '../../docker/labels.ts';
import { hasSupervisor } from '../../recovery/has-supervisor.ts';
import { lockHolder } from '../../store/lock.ts';
import type { StateDir } from '../../store/state-directory.ts';
import { table } from '../../text/table.ts';
import { oneLine } from '../../text/text.ts';
import { cannotBeRead, readRuns } from '../find-agent.ts';
import { findImages, type RemovableImage } from './images.ts';
import { findRunNetworks, findSharedNetworks, type RemovableNetwork } from './networks.ts';
import { findRuns, type RemovableRun } from './runs.ts';
import type { Skipped } from './skipped.ts';

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
  readonly images: readonly RemovableImage[];
  readonly runs: readonly RemovableRun[];
  /** Containers of runs that have a supervisor. */
  readonly inUse: readonly Container[];
  readonly skippedImages: readonly Skipped[];
  readonly skippedRuns: readonly Skipped[];
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
  /** Containers that will not be removed. */
  const staying: Container[] = [];
  for (const connection of found) {
    const { docker, engine } = connection;
    const scope =
      connection === current ? request : { ...request, all: false, network: false, images: false };
    const found = await planOn(docker, state, scope);
    staying.push(...found.staying);
    plans.push({ docker, engine, plan: found.plan });
  }
  const unreachable = missing.flatMap(({ runs }) => runs);
  const { runsOlderThan: olderThan, force } = request;
  const { removable: runs, skipped: skippedRuns } =
    olderThan === null ? none : findRuns(state, { olderThan, force }, { staying, unreachable }, Date.now());
  // Runs go last, after the containers on all engines.
  return plans.map((entry, index) =>
    index < plans.length - 1 ? entry : { ...entry, plan: { ...entry.plan, runs, skippedRuns } },
  );
}

async function planOn(docker: Docker, state: StateDir, request: Omit<CleanupRequest, 'runsOlderThan'>) {
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
  const plan: Plan = {
    containers: removable,
    networks: [
      ...(await findRunNetworks(docker, state, force)),
      ...(network ? await findSharedNetworks(docker) : []),
    ],
    images: removableImages,
    runs: [],
    inUse,
    skippedImages,
    skippedRuns: [],
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
    ...plan.images.map(({ name, about }) => ['image', shortName(name), about]),
    ...plan.runs.map(({ folder, about }) => ['run', folder.runId, about]),
  ]);
  return rows.length === 0 ? '' : table([['KIND', 'NAME', 'DETAILS'], ...rows]);
}

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
