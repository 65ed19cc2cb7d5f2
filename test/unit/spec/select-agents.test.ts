import test from 'ava';
import fc from 'fast-check';
import { UsageError } from '../../../src/errors.ts';
import { membersOf } from '../../../src/spec/members.ts';
import type { AgentPlan, FlowPlan } from '../../../src/spec/plan.ts';
import { namesIn, selectAgents, withDependants, withDependencies } from '../../../src/spec/select-agents.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import { parse } from '../_helpers/spec.ts';

/** Flows without cycles: each agent depends on some of those before it. */
const flows = fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 12 }).map(all =>
  all.map((numbers, index): AgentPlan => {
    const before = index === 0 ? [] : [...new Set(numbers.map(number => `a${number % index}`))];
    return { ...defaultPlan, name: `a${index}`, dependsOn: before };
  }),
);

const chosenOf = (agents: readonly AgentPlan[], numbers: readonly number[]) =>
  numbers.map(number => agents[number % agents.length]!.name);

const planOf = (agents: readonly AgentPlan[]): FlowPlan => ({ name: 'flow', concurrency: null, agents });

/** Whether one agent depends on another, directly or not. */
const leadsTo = (agents: readonly AgentPlan[], from: string, to: string): boolean =>
  from === to || agents.find(({ name }) => name === from)!.dependsOn.some(next => leadsTo(agents, next, to));

test('a selection is closed under dependencies, minimal, and in the order of the spec', t => {
  fc.assert(
    fc.property(flows, fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), (agents, numbers) => {
      const chosen = chosenOf(agents, numbers);
      const selected = selectAgents(planOf(agents), chosen, new Map()).agents;
      const names = new Set(selected.map(({ name }) => name));
      return (
        chosen.every(name => names.has(name)) &&
        selected.every(({ dependsOn }) => dependsOn.every(name => names.has(name))) &&
        selected.every(({ name }) => chosen.some(from => leadsTo(agents, from, name))) &&
        agents.filter(({ name }) => names.has(name)).every((agent, index) => agent === selected[index])
      );
    }),
  );
  t.pass();
});

test('the dependants of an agent are those that have it among their dependencies', t => {
  fc.assert(
    fc.property(flows, fc.nat(), (agents, number) => {
      const [chosen] = chosenOf(agents, [number]);
      const dependants = withDependants(agents, [chosen!]);
      return agents.every(
        ({ name }) => dependants.has(name) === withDependencies(agents, [name]).has(chosen!),
      );
    }),
  );
  t.pass();
});

test('the agent whose work another one starts from is selected with it', t => {
  const workspace = { mode: 'clone', path: '/r', repository: '/r', from: 'a' } as const;
  const agents = [
    { ...defaultPlan, name: 'a' },
    { ...defaultPlan, name: 'b', workspace },
    { ...defaultPlan, name: 'c' },
  ];
  const names = (chosen: readonly string[], groups = new Map<string, readonly string[]>()) =>
    selectAgents(planOf(agents), chosen, groups).agents.map(({ name }) => name);
  t.deepEqual(names(['b']), ['a', 'b']);
  t.deepEqual(names(['all'], new Map([['all', ['a', 'c']]])), ['a', 'c'], 'all agents of a matrix');
});

test('a name that no agent has is refused with the closest one', t => {
  const plan = planOf([
    { ...defaultPlan, name: 'fixer' },
    { ...defaultPlan, name: 'tests' },
  ]);
  const problem = (...names: readonly string[]) =>
    t.throws(() => selectAgents(plan, names, new Map()), { instanceOf: UsageError }).message;
  t.is(problem('test', 'fixer'), '--only: no agent is named "test"; did you mean tests?');
  t.is(problem('zzzzzz\u001b[2J'), '--only: no agent is named "zzzzzz\\e[2J". Found: fixer, tests');
  t.deepEqual(namesIn('--only', ' a, b,,a'), ['a', 'b']);
  t.throws(() => namesIn('--only', ' , '), { message: '--only needs the names of agents: --only a,b' });
});

test('a selection has the approvals that its agents depend on, in the order of the spec', async t => {
  const agent = { command: ['x'] };
  const plan = await parse({
    agents: {
      other: agent,
      lone: { approve: { prompt: 'Why?' } },
      work: agent,
      go: { approve: { prompt: 'Merge?' }, when: "agents.work.status == 'succeeded'" },
      deploy: { ...agent, dependsOn: ['go'] },
    },
  });
  const only = (...names: readonly string[]) => selectAgents(plan, names, new Map());
  t.deepEqual(
    membersOf(only('deploy')).map(({ name }) => name),
    ['work', 'go', 'deploy'],
  );
  t.deepEqual(only('deploy').approvals, [{ ...plan.approvals![1]!, index: 1 }]);
  t.deepEqual(
    membersOf(only('go')).map(({ name }) => name),
    ['work', 'go'],
  );
  t.false('approvals' in only('other'));
  t.throws(() => only('lone'), {
    instanceOf: UsageError,
    message: '--only needs at least one agent beside approvals',
  });
});
