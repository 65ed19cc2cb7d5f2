import { providerNamed } from '../providers/catalogue.ts';
import type { FlowPlan } from '../spec/plan.ts';

/** Warn of agents whose AI CLI runs hooks of its workspace although the spec does not trust that: it has no switch. */
export function trustWarnings({ agents }: Pick<FlowPlan, 'agents'>): string[] {
  const open = agents.filter(
    ({ provider, workspace, mounts, trustsWorkspace = false }) =>
      providerNamed(provider)?.customization.trust === null &&
      !trustsWorkspace &&
      (workspace.mode !== 'none' || mounts.some(({ target }) => target === '/workspace')),
  );
  if (open.length === 0) return [];
  const clis = [...new Set(open.map(({ provider }) => provider))].join(', ');
  const [first, ...others] = open.map(({ name }) => name);
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return [
    `hooks, MCP servers and plugins in the workspace of ${first}${more} may run, with its login: ${clis} cannot switch them off. Add "trustWorkspace": true if you trust that repository`,
  ];
}
