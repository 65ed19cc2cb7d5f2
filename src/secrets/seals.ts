import { join } from 'node:path';
import type { StepInput } from '../../machines/agent-types.ts';
import type { Container, Containers } from '../docker/containers.ts';
import { label } from '../docker/labels.ts';
import type { AgentPlan } from '../spec/plan.ts';
import { newSealKey, sealedName, sealValues, unsealValues } from './sealed-file.ts';
import type { Vault } from './vault.ts';

type Attempt = Pick<StepInput, 'name' | 'attempt' | 'containerId' | 'injectedAt'>;

/** Keep what attempts were given, so that any process that reads their output can redact it. */
export interface Seals {
  /** A key for a new container of this agent; null where the agent has no secrets. */
  newKey(agent: string): string | null;
  /** Seal values before they are handed out. Returns false where the container does not exist. */
  seal(attempt: Attempt, values: readonly string[], signal: AbortSignal): Promise<boolean>;
  /** Give the redactor what the attempt was given. Returns why that is impossible, else null. */
  unseal(attempt: Attempt, signal: AbortSignal): Promise<string | null>;
  /** Give the redactor what these containers were given, as far as it can be read. */
  unsealAll(containers: readonly Container[]): void;
}

interface SealsOptions {
  readonly plan: (agent: string) => AgentPlan | undefined;
  /** For agents whose record was lost: whether they have secrets is unknown. */
  readonly isAdopted: (agent: string) => boolean;
  readonly instance: string;
  readonly runId: string;
  readonly folder: (agent: string, attempt: number) => string;
  readonly containers: Containers;
  readonly vault: Vault;
}

export function sealsOf(options: SealsOptions): Seals {
  const { plan, isAdopted, instance, runId, folder, containers, vault } = options;
  const file = (agent: string, attempt: number) => join(folder(agent, attempt), sealedName);
  const inspect = ({ name, attempt, containerId }: Attempt, signal: AbortSignal) =>
    containers.inspect([containerId!], { signal, owner: { agent: name, attempt } });
  const hasSecrets = (agent: string) => (plan(agent)?.secrets.length ?? 0) > 0;

  return {
    newKey: agent => (hasSecrets(agent) ? newSealKey() : null),

    async seal(attempt, values, signal) {
      if (values.length === 0) return true;
      const [container] = await inspect(attempt, signal);
      if (!container) return false;
      const key = container.labels[label.seal] ?? '';
      sealValues(file(attempt.name, attempt.attempt), { key, containerId: container.id }, values);
      return true;
    },

    async unseal(attempt, signal) {
      const { name } = attempt;
      if (attempt.containerId === null || !(hasSecrets(name) || isAdopted(name))) return null;
      const [container] = await inspect(attempt, signal);
      if (!container) return null;
      const path = file(name, attempt.attempt);
      const problem = unsealContainer(container, path, vault, attempt.injectedAt !== null);
      if (problem === null || !hasSecrets(name)) return problem;
      // The next best: what the agent would be given today.
      const found = vault.open(plan(name)!);
      return 'lacks' in found ? `${problem}, and ${found.lacks}` : null;
    },

    unsealAll(found) {
      for (const container of found) {
        const { labels } = container;
        const agent = labels[label.agent] ?? '';
        const attempt = labels[label.attempt] ?? '';
        const isOurs = labels[label.instance] === instance && labels[label.runId] === runId;
        // Labels become a path here.
        if (isOurs && plan(agent) !== undefined && /^[1-9]\d*$/.test(attempt))
          unsealContainer(container, file(agent, Number(attempt)), vault, false);
      }
    },
  };
}

/**
 * Give `vault` what this container was given. Returns why that is impossible, else null; `isInjected`: the attempt is
 * known to have been given its secrets, so there must be a sealed file.
 */
export function unsealContainer(
  { id, labels }: Pick<Container, 'id' | 'labels'>,
  file: string,
  vault: Pick<Vault, 'learn'>,
  isInjected: boolean,
): string | null {
  const key = labels[label.seal];
  if (key === undefined) return null;
  try {
    const values = unsealValues(file, { key, containerId: id });
    if (values === null && isInjected)
      return `the secrets in its output cannot be redacted: ${file} is missing`;
    vault.learn(values ?? []);
    return null;
  } catch {
    return `the secrets in its output cannot be redacted: ${file} is damaged or cannot be read`;
  }
}
