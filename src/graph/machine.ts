import type { AnyTransitionDefinition } from 'xstate';
import { type DirectedGraphNode, toDirectedGraph } from 'xstate/graph';
import { agentMachine } from '../../machines/agent.ts';
import { approvalMachine } from '../../machines/approval.ts';
import { flowMachine } from '../../machines/flow.ts';
import { eventWord } from '../state/event-word.ts';
import type { Graph, GraphEdge, GraphNode } from './graph.ts';

const machines = { agent: agentMachine, approval: approvalMachine, flow: flowMachine } as const;

export type MachineName = keyof typeof machines;

/** Return the chart of a machine. */
export function machineGraph(name: MachineName): Graph {
  const root = toDirectedGraph(machines[name]);
  const idOf = ({ id }: { readonly id: string }) => id.slice(root.id.length + 1);
  const states = root.children.flatMap(all);
  return {
    version: 1,
    kind: 'machine',
    name: root.id,
    initial: String(root.stateNode.config.initial),
    nodes: states.map(state => nodeOf(state, idOf)),
    edges: states.flatMap(state => edgesOf(state, idOf)),
  };
}

const all = (node: DirectedGraphNode): DirectedGraphNode[] => [node, ...node.children.flatMap(all)];

type IdOf = (node: { readonly id: string }) => string;

function nodeOf({ stateNode }: DirectedGraphNode, idOf: IdOf): GraphNode {
  const { initial } = stateNode.config;
  const id = idOf(stateNode);
  return {
    id,
    parent: id.includes('.') ? id.slice(0, id.lastIndexOf('.')) : null,
    type: stateNode.type,
    initial: initial === undefined ? null : `${id}.${initial}`,
    invokes: stateNode.invoke.map(({ src }) => String(src)),
  };
}

function edgesOf({ stateNode, edges }: DirectedGraphNode, idOf: IdOf): GraphEdge[] {
  const edge = (target: { readonly id: string }, transition: AnyTransitionDefinition) => ({
    source: idOf(stateNode),
    target: idOf(target),
    event: eventWord(transition.eventType),
    ...guardOf(transition),
    actions: transition.actions.map(action => nameOf(action)),
  });
  return [
    ...edges.map(({ target, transition }) => edge(target, transition)),
    // toDirectedGraph omits eventless transitions.
    ...(stateNode.always ?? []).map(transition => edge(transition.target?.[0] ?? stateNode, transition)),
  ];
}

function guardOf({ guard }: AnyTransitionDefinition): Pick<GraphEdge, 'guard' | 'params'> {
  if (guard === undefined) return { guard: null, params: null };
  const { params } = guard as { readonly params?: GraphEdge['params'] };
  return { guard: nameOf(guard), params: params ?? null };
}

/** Return the name of a guard or action: `fail`, `{type: 'fail', params}` or a function. */
function nameOf(given: unknown): string {
  if (typeof given === 'string') return given;
  const { type, name } = given as { readonly type?: string; readonly name?: string };
  return type ?? name ?? '';
}
