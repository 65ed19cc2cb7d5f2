import test from 'ava';
import { parse, problems } from '../_helpers/spec.ts';

const run = { command: ['x'] };
const flow = (agents: Record<string, object>) => ({
  agents: Object.fromEntries(Object.entries(agents).map(([name, fields]) => [name, { ...run, ...fields }])),
});

test('a dependency needs success, unless it says otherwise', async t => {
  const { agents } = await parse(
    flow({
      a: {},
      b: {},
      c: { dependsOn: ['a', { agent: 'b', on: 'failed' }] },
      d: { dependsOn: [{ agent: 'a', on: 'succeeded' }, { agent: 'b' }, { agent: 'c', on: 'ended' }] },
    }),
  );
  t.like(agents[2], { dependsOn: ['a', 'b'], on: { b: 'failed' } });
  t.like(agents[3], { dependsOn: ['a', 'b', 'c'], on: { c: 'ended' } });
  t.false('on' in agents[0]!);
});

test('invalid dependencies are refused where they are written', async t => {
  t.deepEqual(
    await problems(
      flow({
        tests: {},
        b: { dependsOn: [{ agent: 'test', on: 'fails' }, 3, { on: 'ended' }, { agent: 'b' }] },
      }),
    ),
    [
      'agents.b.dependsOn[0].agent: "test": no agent has this name; did you mean "tests"?',
      'agents.b.dependsOn[0].on: "fails": expected "succeeded", "failed" or "ended"',
      'agents.b.dependsOn[1]: 3: expected the name of an agent, or an object such as {"agent": "tests", "on": "failed"}',
      'agents.b.dependsOn[2].agent: missing; expected the name of an agent',
      'agents.b.dependsOn[3].agent: "b": an agent cannot wait for itself; take it out',
    ],
  );
});

test('an agent waits for the agents that its condition names, whatever their results', async t => {
  const { agents } = await parse(
    flow({
      a: {},
      'b-c': {},
      d: {
        dependsOn: [{ agent: 'a', on: 'failed' }],
        when: 'agents.a.exitCode == 2 && agents["b-c"].status != "failed"',
      },
    }),
  );
  t.like(agents[2], { dependsOn: ['a', 'b-c'], on: { a: 'failed', 'b-c': 'ended' } });
});

test('conditions that cannot be evaluated are refused', async t => {
  t.deepEqual(
    await problems(
      flow({
        fixer: {},
        a: { when: 'agents.fixr.status == "failed"' },
        b: { when: 'agents.b.status == "failed"' },
        c: { when: 'agents.fixer.status = "failed"' },
        d: { when: '' },
        e: { when: true },
      }),
    ),
    [
      'agents.a.when: "agents.fixr.status == \\"failed\\"": at character 1: no agent is named "fixr"; did you mean agents["fixer"]?',
      'agents.b.when: "agents.b.status == \\"failed\\"": at character 1: an agent cannot wait for itself; name another one',
      'agents.c.when: "agents.fixer.status = \\"failed\\"": at character 21: Unexpected character: =',
      'agents.d.when: "": expected a condition such as "agents.tests.status == \'failed\'"',
      'agents.e.when: true: expected a condition such as "agents.tests.status == \'failed\'"',
    ],
  );
});

test('a cycle through a condition is refused', async t => {
  const lines = await problems(flow({ a: { when: 'agents.b.status == "failed"' }, b: { dependsOn: ['a'] } }));
  t.deepEqual(lines, [
    'agents.a.dependsOn: a cycle, in which each waits for the next: a → b → a; take one of these dependencies out',
  ]);
});

test('control fields cannot be shared', async t => {
  const lines = await problems({ defaults: { when: 'true', matrix: {}, dependsOn: [] }, ...flow({ a: {} }) });
  t.is(lines.filter(line => line.includes('it cannot be shared: give it to each agent')).length, 3);
});

test('an agent with a matrix becomes one for each combination', async t => {
  const { agents } = await parse({
    defaults: { labels: { team: 'x' } },
    ...flow({
      test: {
        command: ['run', '${matrix.node} on ${matrix.os}', '$${matrix.node}'],
        matrix: { node: [20, '22.1'], os: ['Debian Linux'] },
        when: '"${matrix.node}" == "20"',
        labels: { 'matrix.os': 'mine' },
      },
      lint: { dependsOn: ['test-20-debian-linux'] },
      report: { dependsOn: ['lint', 'test'] },
      rescue: { dependsOn: [{ agent: 'test', on: 'failed' }] },
    }),
  });
  t.deepEqual(
    agents.map(({ name, dependsOn }) => [name, ...dependsOn]),
    [
      ['test-20-debian-linux'],
      ['test-22-1-debian-linux'],
      ['lint', 'test-20-debian-linux'],
      ['report', 'lint', 'test-20-debian-linux', 'test-22-1-debian-linux'],
      ['rescue', 'test-20-debian-linux', 'test-22-1-debian-linux'],
    ],
  );
  t.like(agents[1], {
    command: ['run', '22.1 on Debian Linux', '${matrix.node}'],
    matrix: { node: '22.1', os: 'Debian Linux' },
    labels: { team: 'x', 'matrix.node': '22.1', 'matrix.os': 'mine' },
    when: '"22.1" == "20"',
  });
  t.deepEqual(agents[4]!.on, { 'test-20-debian-linux': 'failed', 'test-22-1-debian-linux': 'failed' });
});

test('values of a matrix may come from the environment, and are not interpolated again', async t => {
  const spec = flow({ a: { command: ['${matrix.x}'], matrix: { x: ['${VALUE}', '$${HOME}'] } } });
  const { agents } = await parse(spec, { VALUE: '${matrix.x}', HOME: '/' });
  t.deepEqual(
    agents.map(({ name, command }) => [name, ...command]),
    [
      ['a-matrix-x', '${matrix.x}'],
      ['a-home', '${HOME}'],
    ],
  );
});

test('agents of a matrix are numbered if their values make no name', async t => {
  const long = 'x'.repeat(40);
  const { agents } = await parse(
    flow({ a: { matrix: { x: [long, 'b'] } }, b: { matrix: { x: ['✓', 'c'] } } }),
  );
  t.deepEqual(
    agents.map(({ name }) => name),
    ['a-1', 'a-2', 'b-1', 'b-2'],
  );
});

test('a matrix without valid agents is refused', async t => {
  const at = (agents: Record<string, object>) => problems(flow(agents));
  const eleven = Array.from({ length: 17 }, (_, index) => index);
  for (const [agents, expected] of [
    [
      { a: { matrix: { x: ['a.b', 'a-b'] } } },
      /^agents\.a\.matrix: two of its agents would be named "a-a-b"/,
    ],
    [{ a: { matrix: { x: [1] } }, 'a-1': {} }, /^agents\.a\.matrix: .* "a-1", as another agent is/],
    [{ a: { matrix: { x: ['b-1'] } }, 'a-b': { matrix: { x: [1] } } }, /"a-b-1", as one of a is/],
    [{ ['a'.repeat(36)]: { matrix: { x: [1] } } }, /of more than 36 characters; shorten/],
    [
      { a: { matrix: { x: eleven, y: eleven } } },
      /^agents\.a\.matrix: .*289 combinations; expected at most 256/,
    ],
    [{ a: { matrix: {} } }, /expected at least one name with its values/],
    [{ a: { matrix: { x: [] } } }, /^agents\.a\.matrix\.x: .*at least one/],
    [{ a: { matrix: { x: [20, '20'] } } }, /^agents\.a\.matrix\.x\[1\]: .*given twice/],
    [
      { a: { matrix: { x: [null] } } },
      /^agents\.a\.matrix\.x\[0\]: .*expected a string, a number, true or false/,
    ],
    [{ a: { matrix: { 'x-': [1] } } }, /^agents\.a\.matrix\.x-: expected a name of letters/],
    [{ a: { matrix: 3 } }, /^agents\.a\.matrix: 3: expected an object of arrays/],
    [{ a: { matrix: { x: ['${UNSET_NAME}'] } } }, /^agents\.a\.matrix\.x\[0\]: .* is not set/],
  ] as const) {
    const lines = await at(agents);
    t.is(lines.length, 1, lines.join('\n'));
    t.regex(lines[0]!, expected);
  }
});

test('problems of the agents of a matrix are reported once, where they are written', async t => {
  t.deepEqual(
    await problems(
      flow({
        a: { comand: ['x'], prompt: '${matrix.y}', matrix: { x: [1, 2] } },
        b: { dependsOn: ['a', 'c'], prompt: '${matrix.x}' },
        d: { when: 'agents.a.status == "failed"' },
      }),
    ),
    [
      'agents.a.comand: unknown key; did you mean "command"?',
      'agents.a.prompt: "${matrix.y}": ${matrix.y} is not in the "matrix" of the agent; did you mean ${matrix.x}?',
      'agents.b.dependsOn[1]: "c": no agent has this name; did you mean "d"?',
      'agents.b.prompt: "${matrix.x}": ${matrix.x} is replaced only in an agent with a valid "matrix"; write $${matrix.x} for the text',
      'agents.d.when: "agents.a.status == \\"failed\\"": at character 1: "a" has a matrix; name one of its agents, such as agents["a-1"]',
    ],
  );
});
