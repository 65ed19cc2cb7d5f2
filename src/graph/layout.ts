import type { ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk-api.js';
import type { Arrow, Box, Drawing } from './drawing.ts';
import { computeLayout } from './elk-thread.ts';
import { type Bounds, charWidth, type Layout, lineHeight, type Point, type Route } from './positioned.ts';

/** Compute the layout of a drawing. */
export async function layout(
  drawing: Drawing,
  /** Labels on arrows need room, which makes a chart larger than a page. */
  { labels = true }: { readonly labels?: boolean } = {},
): Promise<Layout> {
  // Names of agents may collide with ids of ELK, so it gets other ids.
  const key = new Map(drawing.boxes.map(({ id }, index) => [id, `n${index}`]));
  const root = await computeLayout({
    id: 'root',
    layoutOptions: options(drawing.kind),
    children: childrenOf(null, drawing, key),
    edges: drawing.arrows.map((arrow, index) => edgeOf(labels ? arrow : { ...arrow, label: '' }, index, key)),
  });
  const places = boundsIn(root);
  const ways = new Map((root.edges ?? []).map(edge => [edge.id, edge]));
  return {
    kind: drawing.kind,
    title: drawing.title,
    width: Math.ceil(root.width ?? 0),
    height: Math.ceil(root.height ?? 0),
    boxes: drawing.boxes.map(box => ({ ...box, ...places.get(key.get(box.id)!)! })),
    arrows: drawing.arrows.map((arrow, index) => ({ ...arrow, ...routeOf(ways.get(`e${index}`)!) })),
  };
}

const options = (kind: Drawing['kind']) => ({
  'elk.algorithm': 'layered',
  'elk.direction': kind === 'flow' ? 'RIGHT' : 'DOWN',
  // Agents without dependencies are placed side by side, and not in one long column.
  ...(kind === 'flow'
    ? { 'elk.separateConnectedComponents': 'true', 'elk.aspectRatio': '2.2' }
    : { 'elk.hierarchyHandling': 'INCLUDE_CHILDREN' }),
  'elk.edgeRouting': kind === 'flow' ? 'SPLINES' : 'ORTHOGONAL',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.padding': '[top=12,left=12,bottom=12,right=12]',
  'elk.spacing.nodeNode': '24',
  'elk.spacing.edgeNode': '16',
  'elk.spacing.edgeEdge': '12',
  'elk.layered.spacing.nodeNodeBetweenLayers': kind === 'flow' ? '48' : '32',
  'elk.layered.spacing.edgeNodeBetweenLayers': '16',
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
});

function childrenOf(parent: string | null, drawing: Drawing, key: ReadonlyMap<string, string>): ElkNode[] {
  return drawing.boxes
    .filter(box => box.parent === parent)
    .map(box => {
      const children = childrenOf(box.id, drawing, key);
      const id = key.get(box.id)!;
      if (children.length === 0) return { id, ...sizeOf(box, drawing.kind) };
      return { id, children, layoutOptions: { 'elk.padding': '[top=34,left=14,bottom=14,right=14]' } };
    });
}

/** The box of an agent has a second line for its state. */
const sizeOf = ({ label, id }: Box, kind: Drawing['kind']) =>
  kind === 'flow'
    ? { width: Math.max(192, Math.min(id.length, 32) * charWidth + 28), height: 2 * lineHeight + 18 }
    : { width: label.length * charWidth + 24, height: lineHeight + 12 };

function edgeOf({ from, to, label }: Arrow, index: number, key: ReadonlyMap<string, string>) {
  const size = { width: label.length * (charWidth - 1) + 6, height: lineHeight };
  return {
    id: `e${index}`,
    sources: [key.get(from)!],
    targets: [key.get(to)!],
    labels: label === '' ? [] : [{ id: `l${index}`, text: label, ...size }],
  };
}

function boundsIn(node: ElkNode, places = new Map<string, Bounds>()): ReadonlyMap<string, Bounds> {
  for (const child of node.children ?? []) {
    const { id, x = 0, y = 0, width = 0, height = 0 } = child;
    places.set(id, { x, y, width, height });
    boundsIn(child, places);
  }
  return places;
}

function routeOf({ sections = [], labels = [] }: ElkExtendedEdge): Route {
  const points = sections.flatMap(({ startPoint, bendPoints = [], endPoint }): Point[] =>
    [startPoint, ...bendPoints, endPoint].map(({ x, y }) => [x, y]),
  );
  const [label] = labels;
  const { x = 0, y = 0, width = 0, height = 0 } = label ?? {};
  return { points, labelAt: label ? [x + width / 2, y + height / 2] : null };
}
