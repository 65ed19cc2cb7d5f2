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

/** The secrets of a run, for a process that reads the output of its containers and does not drive it. */
export interface RunSecrets {
  /** Grows with what is unsealed. */
  readonly redactor: Redactor;
  /**
   * Unseal what an attempt was given, before its output is read and again before each piece of it is shown: it may be
   * given more meanwhile. Throws an `EngineError` where its output cannot be redacted.
   */
  unseal(found: FoundAgent, attempt: number): Promise<void>;
}

export function runSecrets(folder: RunFolder, docker: Docker): RunSecrets {
  const { plan, hasSecrets } = readPlan(folder);
  const vault = vaultOf(plan, process.env);
  const containers = containersOf(docker);
  const known = new Map<string, Container>();
  /** Of sealed files that have been read, by their paths: what changes with each one that is written. */
  const versions = new Map<string, string>();
  const sealedFile = (agent: string, attempt: number | string) =>
    join(folder.attempt(agent, Number(attempt)), sealedName);

  /** What one agent was given may be in what another one prints, so all containers of the run count. */
  async function look(agents: readonly string[]): Promise<void> {
    const listed = await containers.list([labelFilter.managed, labelFilter.run(folder.runId)]);
    for (const container of await containers.inspect(listed.map(({ id }) => id))) {
      known.set(container.id, container);
      const { [label.agent]: agent = '', [label.attempt]: attempt = '' } = container.labels;
      // Labels become a path here.
      if (agents.includes(agent) && /^[1-9]\d*$/.test(attempt))
        unsealContainer(container, sealedFile(agent, attempt), vault, false);
    }
  }

  return {
    redactor: vault.redactor,
    async unseal({ agent, state }, attempt) {
      const told = agent.attempts.find(entry => entry.attempt === attempt);
      if (!hasSecrets || !told?.containerId) return;
      if (!known.has(told.containerId))
        await withEngineError(look(Object.keys(state.agents)), 'look for the containers of the run');
      const container = known.get(told.containerId);
      if (!container) return;
      const file = sealedFile(agent.name, attempt);
      const version = versionOf(file);
      if (versions.get(file) === version) return;
      const isInjected = agent.attempt !== attempt || !beforeInjection.includes(agent.state);
      const problem = unsealContainer(container, file, vault, isInjected);
      const secrets = plan.agents.find(({ name }) => name === agent.name)?.secrets ?? [];
      if (problem !== null && !(secrets.length > 0 && canOpen(agent.name)))
        throw new EngineError(`the output of ${agent.name} cannot be shown: ${problem}`);
      versions.set(file, version);
    },
  };

  function canOpen(name: string): boolean {
    const agent = plan.agents.find(entry => entry.name === name);
    return agent !== undefined && 'values' in vault.open(agent);
  }
}

/** States in which an attempt has not been given its secrets. */
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

/** Without secrets Docker need not be asked for any. For adopted agents, and for a damaged record, that is unknown. */
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
