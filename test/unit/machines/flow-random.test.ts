import test from 'ava';
import fc from 'fast-check';
import type { RequiredResult } from '../../../machines/agent-types.ts';
import type { Status } from '../../../machines/outcome.ts';
import { checkCondition, evaluateCondition } from '../../../src/spec/condition.ts';
import { type Condition, runRandomFlow } from './flow-random.ts';

interface RandomAgent {
  /** By index of an earlier agent. */
  readonly needs: ReadonlyMap<number, RequiredResult>;
  readonly when: keyof typeof conditions | null;
  readonly result: 'succeeded' | 'failed' | 'timedOut';
}

/** Conditions of an agent by its first dependency: in CEL, and what they mean. A failed agent has no exit code. */
const conditions = {
  'agents.X.status == "failed"': (status?: Status) => status === 'failed',
  'agents.X.status in ["succeeded", "skipped"]': (status?: Status) =>
    status === 'succeeded' || status === 'skipped',
  'agents.X.exitCode == null || agents.X.status == "succeeded"': () => true,
  'agents.X.exitCode >= 0': (status?: Status) => (status === 'succeeded' ? true : null),
} as const;

/** Return the status of each agent, from the definitions of docs/control.md. */
function interpret(agents: readonly RandomAgent[]): Status[] {
  const statuses: Status[] = [];
  for (const { needs, when, result } of agents) {
    const areMet = [...needs].every(([index, on]) => {
      const status = statuses[index]!;
      if (on === 'ended') return true;
      return on === 'failed' ? status === 'failed' || status === 'timedOut' : status === 'succeeded';
    });
    const [first] = needs.keys();
    const holds = when === null || first === undefined ? true : conditions[when](statuses[first]);
    if (!areMet || holds === false) statuses.push('skipped');
    else statuses.push(holds === null ? 'failed' : result);
  }
  return statuses;
}

/** Half of the agents of a longer list have no dependencies. */
const agents: fc.Arbitrary<readonly RandomAgent[]> = fc
  .array(
    fc.record({
      needs: fc.array(fc.tuple(fc.nat(9), fc.constantFrom<RequiredResult>('succeeded', 'failed', 'ended')), {
        maxLength: 3,
      }),
      when: fc.option(fc.constantFrom(...(Object.keys(conditions) as (keyof typeof conditions)[]))),
      result: fc.constantFrom(
        'succeeded' as const,
        'succeeded' as const,
        'failed' as const,
        'timedOut' as const,
      ),
    }),
    { minLength: 1, maxLength: 10 },
  )
  .map(list =>
    list.map((agent, index) => ({
      ...agent,
      needs: new Map(agent.needs.filter(([at]) => at < index)),
    })),
  );

const flows = fc.record({
  agents,
  concurrency: fc.integer({ min: 1, max: 4 }),
  /** Which of the agents that run ends next. */
  picks: fc.array(fc.nat(3), { minLength: 10, maxLength: 10 }),
  isReversed: fc.boolean(),
});

interface Mutation {
  readonly on?: (on: RequiredResult) => RequiredResult;
  readonly condition?: Condition;
}

const nameOf = (index: number) => `a${index}`;

const celOf = ({ needs, when }: RandomAgent): string | null => {
  const [first] = needs.keys();
  return when === null || first === undefined ? null : when.replaceAll('X', nameOf(first));
};

/** Throw if the machine and the interpreter differ. */
function compare({ on = result => result, condition = evaluateCondition }: Mutation = {}) {
  let ran = 0;
  const property = fc.property(flows, ({ agents, concurrency, picks, isReversed }) => {
    const inputs = agents.map((agent, index) => ({
      name: nameOf(index),
      dependsOn: [...agent.needs.keys()].map(nameOf),
      on: Object.fromEntries([...agent.needs].map(([at, result]) => [nameOf(at), on(result)])),
      when: celOf(agent),
      result: agent.result,
    }));
    const flow = { agents: isReversed ? inputs.toReversed() : inputs, concurrency, picks };
    const { statuses, started } = runRandomFlow(flow, condition);
    const expected = interpret(agents);
    ran++;
    for (const [index, status] of expected.entries()) {
      const name = nameOf(index);
      if (statuses[name] !== status) throw new Error(`${name}: ${statuses[name]}, expected ${status}`);
      const hasRun = statuses[name] !== 'skipped' && !isFailedCondition(agents[index]!, expected);
      if (started.includes(name) !== hasRun) throw new Error(`${name} has ${hasRun ? 'not ' : ''}run`);
    }
  });
  fc.assert(property, { numRuns: 500 });
  return ran;
}

const isFailedCondition = ({ needs, when }: RandomAgent, statuses: readonly Status[]) => {
  const [first] = needs.keys();
  return when !== null && first !== undefined && conditions[when](statuses[first]) === null;
};

test('the agents that run, and their statuses, are those of a reference interpreter', t => {
  for (const condition of Object.keys(conditions)) t.is(checkCondition(condition).problem, null);
  t.is(compare(), 500);
});

test('the interpreter detects a machine that ignores results or conditions', t => {
  const mutations: readonly Mutation[] = [
    { on: () => 'succeeded' },
    { on: result => (result === 'failed' ? 'ended' : result) },
    { on: result => (result === 'ended' ? 'failed' : result) },
    { condition: () => ({ holds: true, reason: '' }) },
    { condition: (...given) => ({ holds: evaluateCondition(...given).holds ?? false, reason: '' }) },
  ];
  for (const mutation of mutations) t.throws(() => compare(mutation), { message: /^Property failed/ });
});
