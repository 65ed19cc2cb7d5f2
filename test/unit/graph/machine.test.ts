import test from 'ava';
import type { AnyStateNode } from 'xstate';
import { agentMachine } from '../../../machines/agent.ts';
import type { GraphEdge } from '../../../src/graph/graph.ts';
import { machineGraph } from '../../../src/graph/machine.ts';

const graph = machineGraph('agent');
const edge = (source: string, target: string, event: string | null) =>
  graph.edges.find(edge => edge.source === source && edge.target === target && edge.event === event);

const statesBelow = ({ states }: AnyStateNode): string[] =>
  Object.values(states).flatMap(state => [state.path.join('.'), ...statesBelow(state)]);

test('the graph of a machine contains every state with its parent, initial state and invokes', t => {
  const states = statesBelow(agentMachine.root);
  t.deepEqual(graph.nodes.map(({ id }) => id).sort(), states.sort());
  t.like(graph, { version: 1, kind: 'machine', name: 'agent', initial: 'reconciling' });
  t.deepEqual(
    graph.nodes.filter(({ id }) => ['running', 'running.idle', 'done'].includes(id)),
    [
      { id: 'running', parent: null, type: 'compound', initial: 'running.working', invokes: ['watch'] },
      { id: 'running.idle', parent: 'running', type: 'atomic', initial: null, invokes: [] },
      { id: 'done', parent: null, type: 'final', initial: null, invokes: [] },
    ],
  );
});

test('an edge has its event, guard and actions', t => {
  t.deepEqual(edge('retrying', 'done', 'CANCEL'), {
    source: 'retrying',
    target: 'done',
    event: 'CANCEL',
    guard: null,
    params: null,
    actions: ['cancelBetweenAttempts'],
  } satisfies GraphEdge);
  t.like(edge('reconciling', 'building', 'reconcile done'), {
    guard: 'isEntry',
    params: { state: 'building' },
  });
  t.like(edge('creating', 'backingOff', 'createContainer failed'), {
    guard: 'hasTriesLeft',
    actions: ['backOff'],
  });
});

test('eventless transitions and transitions without a target are edges', t => {
  t.like(edge('evaluating', 'retrying', null), { guard: 'hasRetriesLeft' });
  t.like(edge('evaluating', 'done', null), { guard: null });
  t.like(edge('removing', 'removing', 'CANCEL'), { actions: ['noteCancel'] });
});

test('every edge connects two existing states', t => {
  const ids = new Set(graph.nodes.map(({ id }) => id));
  t.deepEqual(
    graph.edges.filter(({ source, target }) => !ids.has(source) || !ids.has(target)),
    [],
  );
});
