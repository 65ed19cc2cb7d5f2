import type { EngineConnection } from '../../connection/engine-connection.ts';
import { withEngineError } from '../../connection/engine-error.ts';
import type { EnginesOfRuns } from '../../connection/run-connection.ts';
import type { Docker } from '../../docker/cli.ts';
import { type Container, containers } from '../../docker/containers.ts';
import { label, labelFilter } from '../../docker/labels.ts';
import { hasActiveEngine } from '../../recovery/active-engine.ts';
import { lockHolder } from '../../store/lock.ts';
import type { StateDir } from '../../store/state-directory.ts';
import { table } from '../../text/table.ts';
import { oneLine } from '../../text/text.ts';
import { cannotBeRead, readRuns } from '../find-agent.ts';
import { findImages, type RemovableImage } from './images.ts';
import { type DoomedNetwork, findRunNetworks, findSharedNetworks } from './networks.ts';
import { type DoomedRun, findRuns } from './runs.ts';

export interface Wanted {
  readonly all: boolean;
  readonly force: boolean;
  readonly network: boolean;
  readonly images: boolean;
  /** Milliseconds; null: no runs. */
  readonly runsOlderThan: number | null;
}

export interface Skipped {
  readonly name: string;
  readonly why: string;
}

/** What cleanup will remove, and what it leaves alone although it was asked for. */
export interface Plan {
  readonly containers: readonly Container[];
  readonly networks: readonly DoomedNetwork[];
  readonly images: readonly RemovableImage[];
  readonly runs: readonly DoomedRun[];
  readonly driven: readonly Container[];
  readonly imagesLeft: readonly Skipped[];
  readonly runsLeft: readonly Skipped[];
  /** Also what an engine drives, or may drive. */
  readonly force: boolean;
}

const none = { doomed: [], left: [] };

/** What is to be done on one engine. */
export interface EnginePlan extends Pick<EngineConnection, 'docker' | 'engine'> {
  readonly plan: Plan;
}

/**
 * Looks at every engine that this state directory has something on. What does not belong to one of its runs, such as
 * images, is looked for on the engine that docker reaches now alone.
 */
export async function planCleanup(
  { found, current, missing }: EnginesOfRuns,
  state: StateDir,
  wanted: Wanted,
): Promise<EnginePlan[]> {
  const plans: EnginePlan[] = [];
  /** Containers of runs that stay where they are. */
  const staying: Container[] = [];
  for (const connection of found) {
    const { docker, engine } = connection;
    const its = connection === current ? wanted : { ...wanted, all: false, network: false, images: false };
    const looked = await planOn(docker, state, its);
    staying.push(...looked.staying);
    plans.push({ docker, engine, plan: looked.plan });
  }
  const unknown = missing.flatMap(({ runs }) => runs);
  const { runsOlderThan: olderThan, force } = wanted;
  const { doomed: runs, left: runsLeft } =
    olderThan === null ? none : findRuns(state, { olderThan, force }, { staying, unknown }, Date.now());
  // After all containers, wherever they are.
  return plans.map((entry, index) =>
    index < plans.length - 1 ? entry : { ...entry, plan: { ...entry.plan, runs, runsLeft } },
  );
}

async function planOn(docker: Docker, state: StateDir, wanted: Omit<Wanted, 'runsOlderThan'>) {
  const { all, force, network, images } = wanted;
  const found = await listed(docker, [labelFilter.managed]);
  const candidates = found.filter(({ labels }) => all || labels[label.instance] === state.instance);
  const driven = candidates.filter(container => !force && hasActiveEngine(state, container));
  const doomed = candidates.filter(container => !driven.includes(container));
  const stays = ({ id }: Container) => !doomed.some(container => container.id === id);
  // An image may be in use by any container, not only by one of ours.
  const users = images ? (await listed(docker, [])).filter(stays) : [];
  const { doomed: doomedImages, left: imagesLeft } = images
    ? await findImages(docker, users, isBuilding(state))
    : none;
  const plan: Plan = {
    containers: doomed,
    networks: [
      ...(await findRunNetworks(docker, state, force)),
      ...(network ? await findSharedNetworks(docker) : []),
    ],
    images: doomedImages,
    runs: [],
    driven,
    imagesLeft,
    runsLeft: [],
    force,
  };
  return { plan, staying: found.filter(stays) };
}

async function listed(docker: Docker, filters: readonly string[]): Promise<Container[]> {
  const known = containers(docker);
  const asked = known.list(filters).then(found => known.inspect(found.map(({ id }) => id)));
  return withEngineError(asked, 'ask Docker for its containers');
}

const isBuilding = (state: StateDir) =>
  readRuns(
    state.runs().filter(folder => lockHolder(folder.lock) !== null),
    cannotBeRead,
  ).some(run => Object.values(run.state.agents).some(agent => agent.state === 'building'));

/** What will be removed, for people; empty where that is nothing. */
export function planTable(state: StateDir, plans: readonly Plan[]): string {
  const rows = plans.flatMap(plan => [
    ...plan.containers.map(row => ['container', row.name, `${row.state}, ${origin(state, row)}`]),
    ...plan.networks.map(({ name, about }) => ['network', name, about]),
    ...plan.images.map(({ name, about }) => ['image', shortName(name), about]),
    ...plan.runs.map(({ folder, about }) => ['run', folder.runId, about]),
  ]);
  return rows.length === 0 ? '' : table([['WHAT', 'NAME', 'ABOUT'], ...rows]);
}

/** Lines about what is left alone. */
export function leftAlone({ driven, imagesLeft, runsLeft }: Plan): string[] {
  const names = driven.map(({ name }) => name).join(', ');
  return [
    ...(driven.length === 0
      ? []
      : [`left alone, since an engine drives them: ${names} (--force removes them)`]),
    ...imagesLeft.map(({ name, why }) => `left alone: image ${oneLine(shortName(name))}, ${why}`),
    ...runsLeft.map(({ name, why }) => `left alone: run ${name}, ${why}`),
  ];
}

const shortName = (name: string) => name.replace(/^sha256:([0-9a-f]{12})[0-9a-f]+$/, '$1');

function origin(state: StateDir, { labels }: Container): string {
  if (labels[label.instance] === state.instance) return `run ${oneLine(labels[label.runId] ?? '')}`;
  return labels[label.instance] === undefined ? 'made by hand' : 'of another state directory';
}
