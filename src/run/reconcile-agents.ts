import { isHostLost } from '../../machines/quota.ts';
import type { AgentPort } from '../actors/context.ts';
import { containerNamePrefix } from '../agent-container/names.ts';
import { coalesce } from '../async/coalesce.ts';
import { fairTurns } from '../async/fair-turns.ts';
import { memoizeAsync } from '../async/memoize.ts';
import type { Clock } from '../clock.ts';
import type { Container, Containers } from '../docker/containers.ts';
import { label } from '../docker/labels.ts';
import type { ContainerFact } from '../recovery/container-fact.ts';
import { reconcile } from '../recovery/reconcile.ts';
import { type AgentRecord, isFresh } from '../recovery/record.ts';
import type { Seals } from '../secrets/seals.ts';

/** Agents in one turn of the event loop. The first list returns for all of them at once. */
const reconciledAtOnce = 20;

export interface ReconcileOptions {
  readonly runId: string;
  /** A scheduler chooses the hosts of agents. */
  readonly isScheduled: boolean;
  /** The run was driven by another process before, or its record was lost: it may have containers. */
  readonly isResumed: boolean;
  readonly containers: Containers;
  readonly seals: Pick<Seals, 'unsealAll'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly record: (agent: string) => AgentRecord;
  readonly agents: Pick<AgentPort, 'plan' | 'identity'>;
  /** Ends the list that all agents share. */
  readonly signal: AbortSignal;
}

/** Reconcile the agents of a run with what Docker has (I1, I2). */
export function reconcileAgents({
  runId,
  isScheduled,
  isResumed,
  containers,
  seals,
  clock,
  record,
  agents,
  signal,
}: ReconcileOptions): AgentPort['reconcile'] {
  const list = coalesce(async () => byAgent(await listAndUnseal(runId, containers, seals, signal), runId));
  // A run id is random, so nothing of a run that begins can exist. A name that is taken is found by the create.
  const firstList = memoizeAsync(async () => (isResumed ? list(signal) : new Map<string, never>()));
  const reconciled = new Set<string>();
  const turn = fairTurns(reconciledAtOnce);
  return async (agent, stop) => {
    const known = record(agent);
    const { retries, keep, onHostLost, check } = agents.plan(agent);
    const plan = { retries, keep, check, isScheduled, retriesLostHost: onHostLost === 'retry' };
    // Nothing is known about a host that is lost, and nothing there is waited for.
    if (known.attemptOutcome && isHostLost(known.attemptOutcome) && !known.ended)
      return reconcile({ ...plan, specHash: null }, known, [], clock.now());
    // The first list serves every agent's first reconciliation: a fresh agent has no container yet, and nothing acts on
    // another agent's container before its own first reconciliation. Later ones list again.
    const isFirst = !reconciled.has(agent);
    const found = isFirst || isFresh(known) ? await firstList('', stop) : await list(stop);
    reconciled.add(agent);
    await turn();
    const { instance, specHash } = agents.identity(agent, known.attempt);
    const candidates = await withKnown(known, found.get(agent) ?? [], { containers, seals }, stop);
    const facts = candidates.flatMap(container => factOf(container, { instance, runId, agent }));
    return reconcile({ ...plan, specHash }, known, facts, clock.now());
  };
}

/**
 * List the containers with the labels of this run, whatever their names, and those that hold a name of it. Unseals their
 * secrets.
 */
async function listAndUnseal(
  runId: string,
  containers: Containers,
  seals: Pick<Seals, 'unsealAll'>,
  signal: AbortSignal,
): Promise<Container[]> {
  const prefix = containerNamePrefix(runId);
  const all = await containers.list([], { signal });
  const ids = all
    .filter(({ name, labels }) => name.startsWith(prefix) || labels.includes(`${label.runId}=${runId}`))
    .map(({ id }) => id);
  const found = await containers.inspect(ids, { signal });
  // A secret of one container may be in the output of another.
  seals.unsealAll(found);
  return found;
}

/**
 * Add the container of an unfinished attempt that is not listed, if it exists: a list can be cut short without a failure, and
 * a container that is taken for removed would be left behind.
 */
async function withKnown(
  { containerId, attemptOutcome, ended }: AgentRecord,
  listed: readonly Container[],
  { containers, seals }: Pick<ReconcileOptions, 'containers' | 'seals'>,
  signal: AbortSignal,
): Promise<readonly Container[]> {
  if (containerId === null || attemptOutcome || ended || listed.some(({ id }) => id === containerId))
    return listed;
  const found = await containers.inspect([containerId], { signal });
  seals.unsealAll(found);
  return [...listed, ...found];
}

/** Group containers by the agents that they may be a fact about: the one of the label, and the one of the name. */
function byAgent(found: readonly Container[], runId: string): ReadonlyMap<string, readonly Container[]> {
  const grouped = new Map<string, Container[]>();
  const prefix = containerNamePrefix(runId);
  for (const container of found) {
    const { name, labels } = container;
    const named = name.startsWith(prefix) ? name.slice(prefix.length, name.lastIndexOf('-')) : '';
    for (const agent of new Set([labels[label.agent] ?? '', named])) {
      const group = grouped.get(agent) ?? [];
      group.push(container);
      grouped.set(agent, group);
    }
  }
  return grouped;
}

/** Return the container as a fact about one agent; an empty array if it does not concern that agent. */
function factOf(
  container: Container,
  { instance, runId, agent }: { instance: string; runId: string; agent: string },
): ContainerFact[] {
  const { id, name, labels, state, exitCode, oomKilled, startedAt, finishedAt } = container;
  const ours =
    labels[label.instance] === instance && labels[label.runId] === runId && labels[label.agent] === agent;
  const prefix = containerNamePrefix(runId, agent);
  const nameSuffix = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  const attempt = ours ? (labels[label.attempt] ?? '') : nameSuffix;
  // Only the form that we write: 01 is another name than 1.
  if (!/^[1-9]\d*$/.test(attempt)) return [];
  const specHash = labels[label.specHash] ?? '';
  return [
    { id, ours, attempt: Number(attempt), specHash, state, exitCode, oomKilled, startedAt, finishedAt },
  ];
}
