import type { ConditionResult } from '../../machines/flow-dependencies.ts';
import type { InputSource } from '../spec/fill-inputs.ts';
import type { ForEachPlan } from '../spec/for-each-plan.ts';
import { readList } from '../spec/read-list.ts';
import { beforeAnythingFollows } from './inputs.ts';

export interface ListPort {
  /** Return the list of an agent that becomes others; null for any other agent. */
  plan(agent: string): Pick<ForEachPlan, 'items' | 'max'> | null;
  /** Return the items that are recorded already, each as JSON; null if there are none. */
  recorded(agent: string): readonly string[] | null;
  isCancelled(agent: string): boolean;
  /** Resolves when the items are on disk. */
  record(agent: string, items: readonly string[]): Promise<void>;
}

type Expansion = Pick<ConditionResult, 'holds' | 'reason' | 'kind' | 'size' | 'isCancelled'>;

/** Return what follows for an agent that needs no condition any more: it is cancelled, or its items are recorded. */
export function knownExpansion(agent: string, { recorded, isCancelled }: ListPort): Expansion | null {
  const items = recorded(agent);
  if (items !== null) return { holds: true, reason: 'its items are recorded', size: items.length };
  // Nothing of it was started.
  return isCancelled(agent) ? { holds: false, reason: 'it was cancelled', isCancelled: true } : null;
}

/** Read the items of a list: once, also if the run is resumed, and recorded before an agent for one of them starts (I3). */
export async function recordItems(
  agent: string,
  sources: ReadonlyMap<string, InputSource>,
  { plan, record }: ListPort,
): Promise<Expansion> {
  const read = readList(plan(agent)!, sources);
  if ('problem' in read) return { holds: null, reason: read.problem, kind: read.kind };
  await beforeAnythingFollows(record(agent, read.items));
  return { holds: true, reason: 'its items are read', size: read.items.length };
}
