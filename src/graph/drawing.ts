import { shorten } from '../spec/escape-control.ts';
import { matrixLabel } from '../state/control-label.ts';
import { stateLabel, statusLabel } from '../state/state-label.ts';
import { oneLine } from '../text/text.ts';
import { fold, type Line, mergeLines, sharedFrame } from './fold.ts';
import type { Graph, GraphEdge, GraphNode } from './graph.ts';

/** A graph as it is shown: one arrow for all transitions between two states. Mermaid and SVG are made of it. */
export interface Drawing {
  readonly kind: Graph['kind'];
  /** Title on one line. */
  readonly title: string;
  readonly initial: string | null;
  readonly boxes: readonly Box[];
  readonly arrows: readonly Arrow[];
}

export type Mark = 'visited' | 'current' | 'waiting' | 'running' | keyof typeof statusLabel;

export interface Box {
  readonly id: string;
  readonly parent: string | null;
  readonly label: string;
  readonly initial: string | null;
  readonly isFinal: boolean;
  readonly mark: Mark | null;
}

export interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly label: string;
  /** Whether the run took it. */
  readonly taken: boolean;
}

export function drawing(graph: Graph): Drawing {
  const boxes = graph.nodes.map(node => boxOf(graph, node));
  const { lines, members } = fold(graph, mergeLines(linesOf(graph)));
  const frame = { id: sharedFrame, parent: null, label: 'starting', initial: null, isFinal: false };
  return {
    kind: graph.kind,
    title: titleOf(graph),
    initial: graph.initial,
    boxes: [
      ...(members.size > 0 ? [{ ...frame, mark: null }] : []),
      ...boxes.map(box => (members.has(box.id) ? { ...box, parent: sharedFrame } : box)),
    ],
    arrows: lines.map(({ from, to, labels }) => ({
      from,
      to,
      label: [...labels]
        .map(([word, count]) => (count > 0 ? `${word || 'always'} ×${count}` : word))
        .filter(Boolean)
        .join(', '),
      taken: [...labels.values()].some(count => count > 0),
    })),
  };
}

function linesOf({ edges, path }: Graph): Line[] {
  const transitions = path && 'transitions' in path ? path.transitions : [];
  const timesTaken = ({ source, target, event }: GraphEdge) =>
    transitions.find(taken => taken.source === source && taken.target === target && taken.event === event)
      ?.count ?? 0;
  return edges
    .filter(({ source, target }) => source !== target)
    .map(edge => ({
      from: edge.source,
      to: edge.target,
      labels: new Map([[labelOf(edge), timesTaken(edge)]]),
    }));
}

/** A guard with parameters is omitted: it only repeats the target. */
function labelOf({ event, guard, params }: GraphEdge): string {
  const word = event?.replace(/^\S+ done$/, 'done').replace(/^\S+ failed$/, 'error');
  return [word, guard !== null && params === null && `[${guard}]`].filter(Boolean).join(' ');
}

function boxOf(graph: Graph, node: GraphNode): Box {
  const { id, parent, initial, type } = node;
  const { label, mark } = graph.kind === 'flow' ? agentLook(graph, node) : stateLook(graph, id);
  return { id, parent, label, initial, isFinal: type === 'final', mark };
}

function stateLook({ path }: Graph, id: string): Pick<Box, 'label' | 'mark'> {
  const label = id.slice(id.lastIndexOf('.') + 1);
  if (!path || 'agents' in path) return { label, mark: null };
  return { label, mark: path.current === id ? 'current' : path.visited[id] ? 'visited' : null };
}

function agentLook({ path }: Graph, node: GraphNode): Pick<Box, 'label' | 'mark'> {
  const { id } = node;
  const name = agentTitle(node);
  const agent = path && 'agents' in path && Object.hasOwn(path.agents, id) ? path.agents[id] : undefined;
  if (!agent) return { label: name, mark: null };
  const { status, state } = agent;
  const word = status === null ? (stateLabel(state) ?? state) : statusLabel[status];
  return { label: `${name}: ${word}`, mark: status ?? (state === 'waiting' ? 'waiting' : 'running') };
}

/** Return the name of an agent with its values of a matrix, its list and its condition. */
function agentTitle({ id, matrix, forEach, when }: GraphNode): string {
  const values = matrixLabel(matrix === undefined ? {} : { matrix });
  const list = forEach === undefined ? '' : ` for each of ${shorten(oneLine(forEach), 40)}`;
  const condition = when === undefined ? '' : ` when ${shorten(oneLine(when), 40)}`;
  return `${id}${values === '' ? '' : ` (${shorten(oneLine(values), 40)})`}${list}${condition}`;
}

function titleOf({ kind, name, path }: Graph): string {
  if (!path) return `${kind} ${name}`;
  if ('agents' in path) return `flow ${name} in run ${path.runId}`;
  const where = path.current === null ? 'never started' : `in ${path.current}`;
  return `agent ${path.agent} of run ${path.runId}: attempt ${path.attempt}, ${where}`;
}
