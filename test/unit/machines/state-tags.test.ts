import test from 'ava';
import type { AnyStateNode } from 'xstate';
import { agentMachine } from '../../../machines/agent.ts';
import { tagsOf } from '../../../machines/state-tags.ts';

const nodesOf = (node: AnyStateNode): AnyStateNode[] => [
  node,
  ...Object.values(node.states).flatMap(child => nodesOf(child)),
];

test('every state of the chart has the tags that the table returns for its name', t => {
  const nodes = nodesOf(agentMachine.root as unknown as AnyStateNode).filter(({ parent }) => parent);
  const inChart = nodes.map(({ path, parent, tags }) => [
    path.join('.'),
    [...new Set([...(parent?.tags ?? []), ...tags])].sort(),
  ]);
  t.true(inChart.length > 20);
  t.deepEqual(
    inChart,
    nodes.map(({ path }) => [path.join('.'), tagsOf(path.join('.')).toSorted()]),
  );
});

test('a name that the chart does not have has no tags', t => {
  for (const name of ['waiting', 'toString', '']) t.deepEqual(tagsOf(name), []);
});
