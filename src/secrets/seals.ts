import { join } from 'node:path';
import type { StepInput } from '../../machines/agent-types.ts';
import type { Container, Containers } from '../docker/containers.ts';
import { label } from '../docker/labels.ts';
import type { AgentPlan } from '../spec/plan.ts';
import { newSealKey, sealedName, sealValues, unsealValues } from './sealed-file.ts';
import type { Vault } from './vault.ts';

type Attempt = Pick<StepInput, 'name' | 'attempt' | 'containerId' | 'injectedAt'>;

/** Stores the secrets that attempts were given, so that any process that reads their output can redact it. */
export interface Seals {
  /** Return a key for a new container of an agent; null if the agent has no secrets. */
  newKey(agent: string): string | null;
  /** Seal values before they are handed out. Returns false if the container does not exist. */
  seal(attempt: Attempt, values: readonly string[], signal: AbortSignal): Promise<boolean>;
  /** Add the secrets of an attempt to the redactor. Returns null, or why they cannot be read. */
  unseal(attempt: Attempt, signal: AbortSignal): Promise<string | null>;
  /** Add the secrets of these containers to the redactor, as far as they can be read. */
  unsealAll(containers: readonly Container[]): void;
}

interface SealsOptions {
  readonly plan: (agent: string) => AgentPlan | undefined;
  /** Report whether the record of an agent was lost: then it may have secrets that its plan does not have. */
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
    containers.inspect([containerId!], { signal, scope: { agent: name, attempt } });
  // The proxy has those for hosts; the agent has none to print.
  const hasSecrets = (agent: string) =>
    plan(agent)?.secrets.some(({ byHost }) => byHost === undefined) ?? false;

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
      // Fall back to the secrets that the agent would be given now.
      const found = vault.open(plan(name)!);
      return 'missing' in found ? `${problem}, and ${found.missing}` : null;
    },

    unsealAll(found) {
      for (const container of found) {
        const { labels } = container;
        const agent = labels[label.agent] ?? '';
        const attempt = labels[label.attempt] ?? '';
        const isOurs = labels[label.instance] === instance && labels[label.runId] === runId;
        // Labels become a path here, so they are validated first (I8).
        if (isOurs && plan(agent) !== undefined && /^[1-9]\d*$/.test(attempt))
          unsealContainer(container, file(agent, Number(attempt)), vault, false);
      }
    },
  };
}

/**
 * Add the secrets of a container to `vault`. Returns null, or why they cannot be read. With `isInjected` the attempt is
 * known to have been given its secrets, so a sealed file must exist.
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
