import { containerName } from '../agent-container/names.ts';
import type { Container, Containers } from '../docker/containers.ts';
import { label, labelFilter } from '../docker/labels.ts';
import { agentName } from '../spec/names.ts';
import { ofAgent } from '../state/flow-state.ts';
import { runState } from '../store/run-state.ts';
import { isRunId, type RunFolder, type StateDir } from '../store/state-directory.ts';

/** A container with our label that has no run record here. */
export type Orphan = OwnOrphan | ForeignOrphan;

/** A container of this state directory whose record is gone. */
export interface OwnOrphan {
  readonly origin: 'ours';
  readonly container: Container;
  readonly runId: string;
  readonly agent: string;
  readonly attempt: number;
}

/** A container of unknown origin: none of its labels is used. */
interface ForeignOrphan {
  readonly origin: 'another' | 'by hand' | 'malformed';
  readonly container: Container;
  /** The problem with its labels, for messages; null if there is none. */
  readonly why: string | null;
}

export const isLost = (orphan: Orphan): orphan is OwnOrphan => orphan.origin === 'ours';

/** Return whether it has the instance label of this state directory, valid or not. */
export const isOurs = ({ container: { labels } }: Orphan, { instance }: StateDir) =>
  labels[label.instance] === instance;

/** Throws a `DockerError` if Docker does not respond. */
export async function findOrphans(
  containers: Containers,
  stateDir: StateDir,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Orphan[]> {
  const listed = await containers.list([labelFilter.managed], options);
  const found = await containers.inspect(
    listed.map(({ id }) => id),
    options,
  );
  // Read after the list: a run has a journal before it has a container.
  const runs = new Map(stateDir.runs().map(folder => [folder.runId, folder]));
  const agents = found.filter(
    ({ labels }) =>
      labels[label.instance] !== stateDir.instance || !['helper', 'check'].includes(labels[label.role] ?? ''),
  );
  return agents.flatMap(container => {
    const orphan = classify(container, stateDir.instance);
    if (belongsToRun(container, stateDir.instance, runs)) return [];
    const folder = isLost(orphan) ? runs.get(orphan.runId) : undefined;
    if (!isLost(orphan) || folder === undefined) return [orphan];
    if (ofAgent(runState(folder), orphan.agent)) return [];
    return [{ origin: 'malformed', container, why: `run ${orphan.runId} has no agent of this name` }];
  });
}

/** Return whether this is a proxy, a helper or a check of an unfinished run, whose end removes it. */
function belongsToRun(
  { labels }: Container,
  instance: string,
  runs: ReadonlyMap<string, RunFolder>,
): boolean {
  if (
    labels[label.instance] !== instance ||
    !['proxy', 'broker', 'helper', 'check'].includes(labels[label.role] ?? '')
  )
    return false;
  const folder = runs.get(labels[label.runId] ?? '');
  return folder !== undefined && runState(folder).ended === null;
}

/** Classify a container by its labels, which are untrusted (I8). */
export function classify(container: Container, instance: string): Orphan {
  const { labels, name } = container;
  const foreign = (origin: ForeignOrphan['origin'], why: string | null = null): ForeignOrphan => ({
    origin,
    container,
    why,
  });
  const owner = labels[label.instance];
  if (owner === undefined) return foreign('by hand');
  if (!/^[a-z0-9]{16}$/.test(owner)) return foreign('malformed', `${label.instance} is not a valid instance`);
  if (owner !== instance) return foreign('another');

  const runId = labels[label.runId] ?? '';
  const agent = labels[label.agent] ?? '';
  const attempt = labels[label.attempt] ?? '';
  if (!isRunId(runId)) return foreign('malformed', `${label.runId} is not a valid run id`);
  if (['proxy', 'broker', 'helper', 'check'].includes(labels[label.role] ?? ''))
    return foreign('malformed', `${labels[label.role]} left behind by run ${runId}`);
  if (!agentName.test(agent)) return foreign('malformed', `${label.agent} is not a valid agent name`);
  if (!/^[1-9]\d?$/.test(attempt)) return foreign('malformed', `${label.attempt} is not a valid attempt`);
  if (!/^[0-9a-f]{32}$/.test(labels[label.specHash] ?? ''))
    return foreign('malformed', `${label.specHash} is not a valid hash`);
  if (name !== containerName(runId, agent, Number(attempt)))
    return foreign('malformed', 'its name does not match its labels');
  return { origin: 'ours', container, runId, agent, attempt: Number(attempt) };
}
