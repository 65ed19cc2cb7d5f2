import test from 'ava';
import type { AnyStateNode } from 'xstate';
import { agentMachine } from '../../../machines/agent.ts';
import { tagsOf } from '../../../machines/state-tags.ts';

const nodesOf = (node: AnyStateNode): AnyStateNode[] => [
  node,
  ...Object.values(node.states).flatMap(child => nodesOf(child)),
];

test('tagsOf returns the tags of every state of the chart', t => {
  const nodes = nodesOf(agentMachine.root as unknown as AnyStateNode).filter(({ parent }) => parent);
  const expected = nodes.map(({ path, parent, tags }) => [
    path.join('.'),
    [...new Set([...(parent?.tags ?? []), ...tags])].sort(),
  ]);
  t.true(expected.length > 20);
  t.deepEqual(
    expected,
    nodes.map(({ path }) => [path.join('.'), tagsOf(path.join('.')).toSorted()]),
  );
});

test('tagsOf returns no tags for an unknown state', t => {
  for (const name of ['waiting', 'toString', '']) t.deepEqual(tagsOf(name), []);
});
