import test from 'ava';
import { parse, problems } from '../_helpers/spec.ts';

const flow = (agents: Record<string, string[]>) => ({
  agents: Object.fromEntries(
    Object.entries(agents).map(([name, dependsOn]) => [name, { command: ['x'], dependsOn }]),
  ),
});

test('an agent may depend on others, in any order of the file', async t => {
  const { agents } = await parse(flow({ a: ['b', 'c'], b: ['c'], c: [] }));
  t.deepEqual(
    agents.map(({ dependsOn }) => dependsOn),
    [['b', 'c'], ['c'], []],
  );
});

test('a misspelt name is refused with a suggestion', async t => {
  t.deepEqual(await problems(flow({ fixer: [], tests: ['fixr'] })), [
    'agents.tests.dependsOn[0]: "fixr": no agent has this name; did you mean "fixer"?',
  ]);
});

test('a duplicate name is refused', async t => {
  t.deepEqual(await problems(flow({ a: [], b: ['a', 'a'] })), [
    'agents.b.dependsOn[1]: "a": given twice; keep one of them',
  ]);
});

test('a cycle is shown from its first agent, without agents that only depend on it', async t => {
  t.deepEqual(await problems(flow({ outside: ['c'], a: ['b'], c: ['a'], b: ['free', 'c'], free: [] })), [
    'agents.a.dependsOn: a cycle, in which each waits for the next: a → b → c → a; take one of these dependencies out',
  ]);
});

test('every disjoint cycle is reported', async t => {
  const lines = await problems(flow({ a: ['b'], b: ['a'], c: ['d'], d: ['c'], e: ['a'] }));
  t.is(lines.length, 2);
  t.regex(lines[0]!, /a → b → a/);
  t.regex(lines[1]!, /c → d → c/);
});

test('a chain of thousands of agents is not a cycle', async t => {
  const chain = Object.fromEntries(
    Array.from({ length: 5000 }, (_, i) => [`a${i}`, i === 0 ? [] : [`a${i - 1}`]]),
  );
  t.is((await parse(flow(chain))).agents.length, 5000);
  chain.a0 = ['a4999'];
  t.is((await problems(flow(chain))).length, 1);
});
