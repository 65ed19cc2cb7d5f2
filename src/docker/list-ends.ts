import type { ContainerEnds } from './container-ends.ts';
import type { Container, Containers } from './containers.ts';
import { labelFilter } from './labels.ts';

export interface ListOptions {
  readonly containers: Pick<Containers, 'list' | 'inspect'>;
  readonly runId: string;
  readonly signal: AbortSignal;
  /** Rejects if another engine responds than before: a container that it lacks has not been removed. */
  readonly confirmEngine: (signal: AbortSignal) => Promise<void>;
  /** Called once for each awaited container, with its start by the engine's clock, milliseconds since the epoch. */
  readonly onStarted: (id: string, startedAt: number) => void;
}

/** The state between two lists. */
export interface ListState {
  /** Ids of the containers whose start was reported. */
  readonly started: Set<string>;
  /** The engine was unreachable since the last list. */
  wasUnreachable: boolean;
}

/** List the run's containers, and find the ends and the starts of those that are awaited. */
export async function listEnds(
  ends: ContainerEnds,
  state: ListState,
  { containers, runId, signal, confirmEngine, onStarted }: ListOptions,
): Promise<void> {
  const listed = await containers.list([labelFilter.run(runId)], { signal, isPolling: true });
  const states = new Map(listed.map(container => [container.id, container.state]));
  const awaited = ends.awaited();
  const ended = awaited.filter(id => !alive.includes(states.get(id) ?? 'gone'));
  const started = awaited.filter(id => !state.started.has(id) && !ended.includes(id));
  // Absence from a list is no proof: a container is gone when `docker inspect` does not find it.
  const found = await containers.inspect([...ended, ...started], { signal });
  const facts = new Map(found.map(container => [container.id, container]));
  if (state.wasUnreachable || ended.some(id => !facts.has(id))) await confirmEngine(signal);
  state.wasUnreachable = false;
  for (const id of started) {
    const startedAt = facts.get(id)?.startedAt ?? -1;
    if (startedAt <= 0) continue;
    state.started.add(id);
    onStarted(id, startedAt);
  }
  for (const id of ended) settleBy(facts.get(id), id, ends);
}

function settleBy(fact: Container | undefined, id: string, ends: ContainerEnds): void {
  if (fact === undefined) ends.removed(id);
  else if (!alive.includes(fact.state)) ends.died(id, fact);
}

const alive: readonly string[] = ['created', 'running', 'paused', 'restarting'];
