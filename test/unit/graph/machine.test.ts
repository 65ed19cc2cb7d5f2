import test from 'ava';
import type { AnyStateNode } from 'xstate';
import { agentMachine } from '../../../machines/agent.ts';
import type { GraphEdge } from '../../../src/graph/graph.ts';
import { machineGraph } from '../../../src/graph/machine.ts';

const graph = machineGraph('agent');
const edge = (source: string, target: string, event: string | null) =>
  graph.edges.find(edge => edge.source === source && edge.target === target && edge.event === event);

const below = ({ states }: AnyStateNode): string[] =>
  Object.values(states).flatMap(state => [state.path.join('.'), ...below(state)]);

test('the graph of a machine has every state of it, with what it is in, begins with and invokes', t => {
  const states = below(agentMachine.root);
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

test('its edges say what brings one along, under which guard, and what is done', t => {
  t.deepEqual(edge('retrying', 'done', 'CANCEL'), {
    source: 'retrying',
    target: 'done',
    event: 'CANCEL',
    guard: null,
    params: null,
    actions: ['cancelRetry'],
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

test('what needs no event and what leads nowhere are edges too', t => {
  t.like(edge('evaluating', 'retrying', null), { guard: 'hasRetriesLeft' });
  t.like(edge('evaluating', 'done', null), { guard: null });
  t.like(edge('removing', 'removing', 'CANCEL'), { actions: ['noteCancel'] });
});

test('every edge leads from a state to a state', t => {
  const ids = new Set(graph.nodes.map(({ id }) => id));
  t.deepEqual(
    graph.edges.filter(({ source, target }) => !ids.has(source) || !ids.has(target)),
    [],
  );
});
