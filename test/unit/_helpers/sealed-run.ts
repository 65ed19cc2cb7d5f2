import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Container, Containers } from '../../../src/docker/containers.ts';
import { label } from '../../../src/docker/labels.ts';
import { newSealKey, sealedName } from '../../../src/secrets/sealed-file.ts';
import { sealsOf } from '../../../src/secrets/seals.ts';
import { vaultOf } from '../../../src/secrets/vault.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { defaultPlan } from './default-plan.ts';

export const agent: AgentPlan = { ...defaultPlan, name: 'a', secrets: [{ name: 'TOKEN', file: null }] };
export const attempt = { name: 'a', attempt: 1, containerId: 'c0ffee', injectedAt: 1 };
export const never = new AbortController().signal;

/** Create a run with one existing container. `process` returns the vault and the seals of a process with its own environment. */
export function sealedRun(t: ExecutionContext) {
  const path = mkdtempSync(join(tmpdir(), 'agent-flow-seals-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  const labels: Record<string, string> = {
    [label.instance]: 'i',
    [label.runId]: 'r',
    [label.agent]: 'a',
    [label.attempt]: '1',
    [label.seal]: newSealKey(),
  };
  let exists = true;
  const container = { id: 'c0ffee', labels } as unknown as Container;
  const containers = { inspect: async () => (exists ? [container] : []) } as unknown as Containers;
  const folder = (name: string, number: number) => join(path, name, String(number));
  return {
    file: join(folder('a', 1), sealedName),
    folder,
    container,
    remove: () => {
      exists = false;
    },
    process(env: Record<string, string>, plan = agent) {
      const vault = vaultOf({ name: 'x', concurrency: null, agents: [plan] }, env);
      const isAdopted = () => plan.secrets.length === 0;
      const options = { plan: () => plan, isAdopted, instance: 'i', runId: 'r', folder, containers, vault };
      return { vault, seals: sealsOf(options) };
    },
  };
}
