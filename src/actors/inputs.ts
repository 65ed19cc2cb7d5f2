import type { ConditionResult } from '../../machines/flow-dependencies.ts';
import { type InputSource, type InputValues, type ItemSource, readInputs } from '../spec/fill-inputs.ts';
import type { AgentPlan } from '../spec/plan.ts';

export interface InputPort {
  /** Return the texts of an agent with its references; null for an agent without a container, which has none. */
  plan(agent: string): Pick<AgentPlan, 'inputs' | 'prompt' | 'command' | 'env'> | null;
  /** Return its item of a list; null if it is for none. */
  item(agent: string): ItemSource | null;
  /** Return the values that are recorded already; null if there are none. */
  recorded(agent: string): InputValues | null;
  /** Resolves when the values are on disk. */
  record(agent: string, values: InputValues): Promise<void>;
}

/**
 * Read the values of others that an agent needs: once, also if the run is resumed, and recorded before it starts (I3).
 * Returns why it cannot start; null if it can.
 */
export async function recordInputs(
  agent: string,
  sources: ReadonlyMap<string, InputSource>,
  { plan, item, recorded, record }: InputPort,
): Promise<Pick<ConditionResult, 'holds' | 'reason' | 'kind'> | null> {
  const reader = plan(agent);
  if (reader?.inputs === undefined || recorded(agent) !== null) return null;
  const read = readInputs(reader, sources, item(agent));
  if ('problem' in read) return { holds: null, reason: read.problem, kind: 'reference' };
  await beforeAnythingFollows(record(agent, read.values));
  return null;
}

/** A journal that cannot be written halts the run, so nothing may follow. */
export const beforeAnythingFollows = (written: Promise<void>): Promise<void> =>
  written.catch(() => new Promise(() => {}));
