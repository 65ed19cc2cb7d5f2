import test from 'ava';
import { drawing } from '../../../src/graph/drawing.ts';
import { flowGraph, flowPath } from '../../../src/graph/flow.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import { machineGraph } from '../../../src/graph/machine.ts';
import { mermaid } from '../../../src/graph/mermaid.ts';
import { agentPath } from '../../../src/graph/path.ts';
import { ends, enters, failure, started, stateAfter } from '../_helpers/story.ts';
import { readMermaid } from './grammar.ts';

const chart = machineGraph('agent');
const story = [
  started({ fixer: [] }),
  ...(
    [
      ['reconciling', 'init'],
      ['building', 'reconcile done'],
      ['backingOff', 'ensureImage failed'],
      ['building', 'backOff done'],
      ['stopping.checking', 'CANCEL'],
      ['collecting.checking', 'CANCEL'],
    ] as const
  ).map(([state, event], seconds) => enters(seconds, 'fixer', state, { event })),
];
const marked: Graph = { ...chart, path: agentPath(chart, { runId: 'r1234567', agent: 'fixer' }, story) };

for (const [name, graph] of [
  ['agent', chart],
  ['flow', machineGraph('flow')],
  ['agent with the path of a run', marked],
] as const)
  test(`a drawing contains every state of the machine: ${name}`, t => {
    const expected = graph.nodes.map(({ id }) => id.slice(id.lastIndexOf('.') + 1)).sort();
    const drawn = readMermaid(mermaid(drawing(graph)));
    const named = new Set([...drawn.nodes.values(), ...drawn.edges.flatMap(({ from, to }) => [from, to])]);
    t.deepEqual(
      expected.filter(state => !named.has(state)),
      [],
    );
  });

test('states with the same exits are drawn in one frame with shared lines', t => {
  const { nodes, edges } = readMermaid(mermaid(drawing(chart)));
  t.is(nodes.get('startup'), 'starting');
  t.deepEqual(
    edges.filter(({ to }) => to === 'engineUnreachable').map(({ from }) => from),
    ['reconciling', 'startup', 'collecting', 'removing', 'checking'],
  );
});

test('the transitions of a run are marked, and counted on lines of their own', t => {
  const text = mermaid(drawing(marked));
  const lines = text.split('\n').map(line => line.trim());
  t.true(lines.includes('%% agent fixer of run r1234567: attempt 1, in collecting.checking'));
  t.true(lines.includes('reconciling --> building : done ×1'));
  t.true(lines.includes('building --> backingOff : error [hasTriesLeft] ×1'));
  t.true(lines.includes('backingOff --> building : done ×1'));
  t.true(lines.includes('building --> stopping : CANCEL ×1'));
  t.true(lines.includes('startup --> stopping : CANCEL, error, running done'));
  t.true(lines.includes('class collecting_checking current'));
  t.regex(text, /class reconciling,backingOff,|class reconciling,building,/);
});

test('a merged line counts the transitions of all its parts', t => {
  const steps = [
    ['stopping.interrupting', 'interrupt done', 'collecting.checking'],
    ['stopping.killing', 'killContainer done', 'collecting.checking'],
  ] as const;
  const events = steps.flatMap(([before, event, after], seconds) => [
    enters(seconds, 'fixer', before, { event: 'init' }),
    enters(seconds, 'fixer', after, { event }),
  ]);
  const path = agentPath(chart, { runId: 'r1234567', agent: 'fixer' }, [started({ fixer: [] }), ...events]);
  t.is(path.transitions.length, 2);
  t.regex(mermaid(drawing({ ...chart, path })), /^ +stopping --> collecting : .*done ×2/m);
});

test('a flow is drawn with its dependencies, and marked with the states of its agents', t => {
  const events = [
    started({ one: [], two: ['one'], three: ['two'], four: [] }),
    enters(1, 'one', 'running.working'),
    ends(2, 'one'),
    enters(3, 'two', 'running.working'),
    ends(4, 'two', failure('exit')),
    ends(4, 'three', { status: 'skipped', exitCode: null }),
    enters(5, 'four', 'running.idle'),
  ];
  const state = stateAfter(...events);
  const graph = { ...flowGraph(state.name, Object.values(state.agents)), path: flowPath(state) };
  const { nodes, edges } = readMermaid(mermaid(drawing(graph)));
  t.deepEqual(
    [...nodes.values()],
    ['one: succeeded', 'two: failed', 'three: skipped', 'four: running, idle'],
  );
  t.deepEqual(
    edges.map(({ from, to }) => `${nodes.get(from)} → ${nodes.get(to)}`),
    ['one: succeeded → two: failed', 'two: failed → three: skipped'],
  );
  t.regex(mermaid(drawing(graph)), /class n1 failed\n/);
});

const hostile = [
  'end',
  'class',
  '"]; n0 --> evil',
  'a"] --> b["',
  '`**bold**`',
  '<script>alert(1)</script>',
  '#quot; & &quot;',
  'x\\',
  '\\" ] evil -> [ "',
  '} digraph evil {',
  '%%{init: {"theme": "dark"}}%%',
  'A|B {C} ;D',
  '漢字 ünï',
];

test('the name of an agent or a flow stays inside its label', t => {
  const agents = hostile.map((name, index) => ({ name, dependsOn: hostile.slice(0, index) }));
  const graph = flowGraph('%%{init}%%\n"] evil', agents);
  const drawn = readMermaid(mermaid(drawing(graph)));
  t.deepEqual([...drawn.nodes.values()], hostile);
  t.is(drawn.edges.length, graph.edges.length);
});

test('control characters are removed from a drawing', t => {
  const graph = flowGraph('flow', [{ name: 'a\u001b[31m\nb\u202e', dependsOn: [] }]);
  const text = mermaid(drawing(graph));
  t.notRegex(text, /[\u001b\u202e]/);
  t.regex(text, /"a b"/);
});

test('a flow is drawn with conditions, results of dependencies and values of matrices', t => {
  const graph = flowGraph('flow', [
    { name: 'test-20', dependsOn: [], matrix: { node: 20, os: 'linux' } },
    { name: 'rescue', dependsOn: ['test-20'], on: { 'test-20': 'failed' } },
    { name: 'report', dependsOn: ['rescue'], on: { rescue: 'ended' }, when: 'agents.rescue\n.status == "x"' },
  ]);
  t.deepEqual(graph.nodes[0]!.matrix, { node: 20, os: 'linux' });
  t.like(graph.edges[0], { source: 'test-20', target: 'rescue', guard: 'failed' });
  const { nodes, edges } = readMermaid(mermaid(drawing(graph)));
  t.deepEqual(
    [...nodes.values()],
    ['test-20 (node 20, os linux)', 'rescue', 'report when agents.rescue .status == "x"'],
  );
  t.deepEqual(
    edges.map(({ label }) => label),
    ['[failed]', '[ended]'],
  );
});
