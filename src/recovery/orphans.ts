import type { Container, Containers } from '../docker/containers.ts';
import { containerName, label, labelFilter } from '../docker/labels.ts';
import { agentName } from '../spec/names.ts';
import { ofAgent } from '../state/flow-state.ts';
import { runState } from '../store/run-state.ts';
import { isRunId, type RunFolder, type StateDir } from '../store/state-directory.ts';

/** A container that carries our label and that no run here remembers. */
export type Orphan = OwnOrphan | ForeignOrphan;

/** Of this state directory, beyond doubt; only its record is gone. */
export interface OwnOrphan {
  readonly origin: 'ours';
  readonly container: Container;
  readonly runId: string;
  readonly agent: string;
  readonly attempt: number;
}

/** Nothing of what its labels say is used: they may have been set by anybody. */
export interface ForeignOrphan {
  readonly origin: 'another' | 'by hand' | 'malformed';
  readonly container: Container;
  /** What is wrong with its labels, for people; null where nothing is. */
  readonly why: string | null;
}

export const isLost = (orphan: Orphan): orphan is OwnOrphan => orphan.origin === 'ours';

/** Whether it says to be of this state directory, rightly or not. */
export const isOurs = ({ container: { labels } }: Orphan, { instance }: StateDir) =>
  labels[label.instance] === instance;

/** Throw a `DockerError` where Docker does not answer. */
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
  // Read after Docker was: a run has a journal before it has a container.
  const runs = new Map(stateDir.runs().map(folder => [folder.runId, folder]));
  const agents = found.filter(
    ({ labels }) => labels[label.instance] !== stateDir.instance || labels[label.role] !== 'helper',
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

/** A proxy, or what checks it: no agent, but of a run that is not over, whose end removes it. */
function belongsToRun(
  { labels }: Container,
  instance: string,
  runs: ReadonlyMap<string, RunFolder>,
): boolean {
  if (labels[label.instance] !== instance || !['proxy', 'helper'].includes(labels[label.role] ?? ''))
    return false;
  const folder = runs.get(labels[label.runId] ?? '');
  return folder !== undefined && runState(folder).ended === null;
}

/** What the labels of a container say, taken for what it is: input from outside. */
export function classify(container: Container, instance: string): Orphan {
  const { labels, name } = container;
  const stranger = (origin: ForeignOrphan['origin'], why: string | null = null): ForeignOrphan => ({
    origin,
    container,
    why,
  });
  const said = labels[label.instance];
  if (said === undefined) return stranger('by hand');
  if (!/^[a-z0-9]{16}$/.test(said)) return stranger('malformed', `${label.instance} is no instance`);
  if (said !== instance) return stranger('another');

  const runId = labels[label.runId] ?? '';
  const agent = labels[label.agent] ?? '';
  const attempt = labels[label.attempt] ?? '';
  if (!isRunId(runId)) return stranger('malformed', `${label.runId} is no run`);
  if (['proxy', 'helper'].includes(labels[label.role] ?? ''))
    return stranger('malformed', `${labels[label.role]} left behind by run ${runId}`);
  if (!agentName.test(agent)) return stranger('malformed', `${label.agent} is no agent`);
  if (!/^[1-9]\d?$/.test(attempt)) return stranger('malformed', `${label.attempt} is no attempt`);
  if (!/^[0-9a-f]{32}$/.test(labels[label.specHash] ?? ''))
    return stranger('malformed', `${label.specHash} is no hash`);
  if (name !== containerName(runId, agent, Number(attempt)))
    return stranger('malformed', 'it is not called what its labels say');
  return { origin: 'ours', container, runId, agent, attempt: Number(attempt) };
}
