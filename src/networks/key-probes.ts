import { StepError } from '../../machines/step-error.ts';
import { memoizeAsync } from '../async/memoize.ts';
import type { AgentPlan } from '../spec/plan.ts';
import type { BrokerOptions } from './broker-options.ts';
import { checkPlan, probeKeys } from './key-probe.ts';

/** The container of an attempt, before its start. */
export interface ProbedContainer {
  readonly id: string;
  /** The id of its image. */
  readonly image: string;
}

/** Return a function that searches for keys once for all agents with the same image and mounts. */
export function keyProbes(options: BrokerOptions) {
  const requests = new Map<string, () => Promise<void>>();
  const probe = memoizeAsync(key => requests.get(key)!());
  return async (agent: AgentPlan, { id, image }: ProbedContainer, stop: AbortSignal) => {
    const { workspace, mounts, auth } = agent;
    const found = options.vault.open(agent);
    if ('missing' in found) throw new StepError('missingSecret', found.missing);
    const keys = agent.secrets.flatMap(({ name, broker }) => (broker ? [[name, found.values[name]!]] : []));
    checkPlan(agent, Object.fromEntries(keys), found.values);
    const request = { ...options, container: id, image };
    const key = JSON.stringify([image, workspace, mounts, auth.files, keys]);
    requests.set(key, () => probeKeys(agent, Object.fromEntries(keys), request, options));
    await probe(key, stop);
  };
}
