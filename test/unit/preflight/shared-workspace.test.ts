import test from 'ava';
import { sharedWorkspaces } from '../../../src/preflight/shared-workspace.ts';
import type { AgentPlan, FlowPlan } from '../../../src/spec/plan.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';

const bound = (name: string, path: string, dependsOn: readonly string[] = []): AgentPlan => ({
  ...defaultPlan,
  name,
  dependsOn,
  workspace: { mode: 'bind', path },
});
const flow = (...agents: AgentPlan[]): FlowPlan => ({ name: 'x', concurrency: null, agents });

test('a workspace is shared with agents that may run at the same time', t => {
  t.true(sharedWorkspaces(flow(bound('a', '/p'), bound('b', '/p')))('a'));
  t.false(sharedWorkspaces(flow(bound('a', '/p'), bound('b', '/q')))('a'));
  const writer = { ...bound('b', '/q'), mounts: [{ source: '/p', target: '/x', readOnly: false }] };
  t.true(sharedWorkspaces(flow(bound('a', '/p'), writer))('a'));
});

test('agents with a direct or indirect dependency do not share a workspace', t => {
  const plan = flow(bound('a', '/p'), bound('b', '/q', ['a']), bound('c', '/p', ['b']), bound('d', '/p'));
  t.true(sharedWorkspaces(plan)('a'), 'd has no dependencies');
  const ordered = flow(...plan.agents.slice(0, 3));
  t.false(sharedWorkspaces(ordered)('a'));
  t.false(sharedWorkspaces(ordered)('c'));
});
