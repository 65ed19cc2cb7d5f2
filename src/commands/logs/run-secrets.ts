import { statSync } from 'node:fs';
import { join } from 'node:path';
import { withEngineError } from '../../connection/engine-error.ts';
import type { Docker } from '../../docker/cli.ts';
import { type Container, containers as containersOf } from '../../docker/containers.ts';
import { label, labelFilter } from '../../docker/labels.ts';
import { EngineError } from '../../errors.ts';
import type { Redactor } from '../../secrets/redact.ts';
import { sealedName } from '../../secrets/sealed-file.ts';
import { unsealContainer } from '../../secrets/seals.ts';
import { vaultOf } from '../../secrets/vault.ts';
import type { FlowPlan } from '../../spec/plan.ts';
import { readRunFile } from '../../store/run-file.ts';
import type { RunFolder } from '../../store/state-directory.ts';
import type { FoundAgent } from '../find-agent.ts';

/** The secrets of a run, for a process that reads the output of its containers without driving it. */
export interface RunSecrets {
  /** Also redacts each secret that is unsealed later. */
  readonly redactor: Redactor;
  /**
   * Unseal the secrets of an attempt. Call it before its output is read and before each piece is printed, since the attempt
   * may be given more meanwhile. Throw an `EngineError` if its output cannot be redacted.
   */
  unseal(found: FoundAgent, attempt: number): Promise<void>;
}

/**
 * Return the secrets of a run. `docker` reaches the engine of the agent whose output is read; `others` connects to the other
 * engines of the run that can be reached.
 */
export function runSecrets(
  folder: RunFolder,
  docker: Docker,
  others: () => Promise<readonly { readonly docker: Docker }[]>,
): RunSecrets {
  const { plan, hasSecrets } = readPlan(folder);
  const vault = vaultOf(plan, process.env);
  const known = new Map<string, Container>();
  /** Versions of the sealed files that were read, by path. */
  const versions = new Map<string, string>();
  const sealedFile = (agent: string, attempt: number | string) =>
    join(folder.attempt(agent, Number(attempt)), sealedName);

  /** Unseal for all agents of the run: one agent may print the secret of another. */
  async function inspectAll(agents: readonly string[]): Promise<void> {
    await inspectContainers(docker, agents);
    for (const other of await others()) await inspectContainers(other.docker, agents).catch(() => {});
  }

  async function inspectContainers(engine: Docker, agents: readonly string[]): Promise<void> {
    const containers = containersOf(engine);
    const listed = await containers.list([labelFilter.managed, labelFilter.run(folder.runId)]);
    for (const container of await containers.inspect(listed.map(({ id }) => id))) {
      known.set(container.id, container);
      const { [label.agent]: agent = '', [label.attempt]: attempt = '' } = container.labels;
      // Labels are untrusted and become a path here.
      if (agents.includes(agent) && /^[1-9]\d*$/.test(attempt))
        unsealContainer(container, sealedFile(agent, attempt), vault, false);
    }
  }

  return {
    redactor: vault.redactor,
    async unseal({ agent, state }, attempt) {
      const record = agent.attempts.find(entry => entry.attempt === attempt);
      if (!hasSecrets || !record?.containerId) return;
      if (!known.has(record.containerId))
        await withEngineError(inspectAll(Object.keys(state.agents)), 'inspect the containers of the run');
      const container = known.get(record.containerId);
      if (!container) return;
      const file = sealedFile(agent.name, attempt);
      const version = versionOf(file);
      if (versions.get(file) === version) return;
      const isInjected = agent.attempt !== attempt || !beforeInjection.includes(agent.state);
      const problem = unsealContainer(container, file, vault, isInjected);
      const secrets = plan.agents.find(({ name }) => name === agent.name)?.secrets ?? [];
      if (problem !== null && !(secrets.length > 0 && canOpen(agent.name)))
        throw new EngineError(`cannot print the output of ${agent.name}: ${problem}`);
      versions.set(file, version);
    },
  };

  function canOpen(name: string): boolean {
    const agent = plan.agents.find(entry => entry.name === name);
    return agent !== undefined && 'values' in vault.open(agent);
  }
}

/** States before an attempt is given its secrets. */
const beforeInjection = [
  'reconciling',
  'building',
  'networking',
  'creating',
  'starting',
  'waitingForTmux',
  'injecting',
];

const versionOf = (file: string) => {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
};

/** Read the plan. Assume secrets for adopted runs and for a damaged record, whose plans do not list them. */
function readPlan(folder: RunFolder): { readonly plan: FlowPlan; readonly hasSecrets: boolean } {
  try {
    const { plan, adopted } = readRunFile(folder);
    return {
      plan,
      hasSecrets: adopted !== undefined || plan.agents.some(({ secrets }) => secrets.length > 0),
    };
  } catch {
    return { plan: { name: '', concurrency: null, agents: [] }, hasSecrets: true };
  }
}
