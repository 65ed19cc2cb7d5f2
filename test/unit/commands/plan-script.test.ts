import test from 'ava';
import { planData, planScript } from '../../../src/commands/plan-script.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';

const agents = [
  { ...defaultPlan, name: 'test-20', matrix: { node: 20 } },
  { ...defaultPlan, name: 'rescue', dependsOn: ['test-20'], on: { 'test-20': 'failed' } },
  {
    ...defaultPlan,
    name: 'report',
    dependsOn: ['test-20', 'rescue'],
    on: { 'test-20': 'ended', rescue: 'ended' },
    when: 'agents.rescue.status\n== "failed"',
  },
] as const;
const steps = agents.map(({ name }) => ({ agent: name, args: ['create', name] }));
const run = { runId: 'r1234567', steps, names: new Map() };
const title = { name: 'flow', context: null, budget: null };

test('the script names what each agent needs to start, on one line', t => {
  t.deepEqual(
    planScript({ ...title, agents }, run)
      .split('\n')
      .filter(line => line.startsWith('#'))
      .slice(1),
    [
      '# Agents with a condition are shown as if it held.',
      '# test-20 (node 20)',
      '# rescue: only if test-20 failed',
      '# report: whatever the result of test-20 and rescue; only when agents.rescue.status == "failed"',
    ],
  );
});

test('the data of a plan has what each agent needs to start', t => {
  const data = planData(agents, run) as { agents: readonly object[] };
  t.deepEqual(data.agents.slice(0, 2), [
    { name: 'test-20', dependsOn: [], matrix: { node: 20 } },
    { name: 'rescue', dependsOn: ['test-20'], on: { 'test-20': 'failed' } },
  ]);
});
