import { providersOf } from '../providers/catalogue.ts';
import type { FlowPlan } from '../spec/plan.ts';

/** Warn of agents whose AI CLI runs hooks of its workspace although the spec does not trust that: it has no switch. */
export function trustWarnings(plan: Pick<FlowPlan, 'agents' | 'providers'>): string[] {
  const providers = providersOf(plan);
  const open = plan.agents.filter(
    ({ provider, workspace, mounts, trustsWorkspace = false }) =>
      providers.get(provider)?.customization.trust === null &&
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
