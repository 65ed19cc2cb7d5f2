import { oneLine } from '../text/text.ts';
import { colours } from './colours.ts';
import type { Arrow, Box, Drawing } from './drawing.ts';

/** A drawing in the language of Graphviz. */
export function dot({ kind, title, initial, boxes, arrows }: Drawing): string {
  const inside = (parent: string | null): string[] =>
    boxes
      .filter(box => box.parent === parent)
      .flatMap(box => {
        if (leafOf(boxes, box.id) === box.id) return [`${quoted(box.id)} [${looks(box)}]`];
        const open = `subgraph ${quoted(`cluster_${box.id}`)} {`;
        return [open, `    ${looks(box)}`, ...inside(box.id), '}'];
      })
      .map(line => `    ${line}`);
  return `${[
    `digraph ${quoted(title)} {`,
    `    graph [rankdir=${kind === 'flow' ? 'LR' : 'TB'} compound=true fontname="sans-serif" style=rounded]`,
    '    node [shape=box style="rounded,filled" fillcolor=white fontname="sans-serif"]',
    '    edge [fontname="sans-serif" fontsize=10]',
    ...inside(null),
    ...(initial === null ? [] : beginning(boxes, initial)),
    ...arrows.map(arrow => `    ${arrowOf(boxes, arrow)}`),
    '}',
  ].join('\n')}\n`;
}

/** No state is called like this. */
const start = '[*]';

const beginning = (boxes: readonly Box[], initial: string) => [
  `    ${quoted(start)} [shape=point width=0.2 fillcolor=black label=""]`,
  `    ${arrowOf(boxes, { from: start, to: initial, label: '', taken: false })}`,
];

/** Lines lead to nodes only: to one inside the frame, and are cut off at its border. */
function arrowOf(boxes: readonly Box[], { from, to, label, taken }: Arrow): string {
  const [tail, head] = [leafOf(boxes, from), leafOf(boxes, to)];
  const attributes = [
    label && `label=${quoted(label)}`,
    tail !== from && `ltail=${quoted(`cluster_${from}`)}`,
    head !== to && `lhead=${quoted(`cluster_${to}`)}`,
    taken && `penwidth=2.5 color=${quoted(colours.visited.line)}`,
  ].filter(Boolean);
  return `${quoted(tail)} -> ${quoted(head)}${attributes.length > 0 ? ` [${attributes.join(' ')}]` : ''}`;
}

/** A box that holds none; of one that does, where it begins. */
function leafOf(boxes: readonly Box[], id: string): string {
  const initial = boxes.find(box => box.id === id)?.initial ?? boxes.find(({ parent }) => parent === id)?.id;
  return initial === undefined || initial === null ? id : leafOf(boxes, initial);
}

function looks({ label, isFinal, mark }: Box): string {
  const { fill, line } = mark === null ? { fill: null, line: null } : colours[mark];
  return [
    `label=${quoted(label)}`,
    isFinal && 'peripheries=2',
    fill && `fillcolor=${quoted(fill)} color=${quoted(line)}`,
  ]
    .filter(Boolean)
    .join(' ');
}

/** In a quoted string of DOT backslashes lead escapes, and entities of HTML are read. */
const quoted = (text: string) =>
  `"${oneLine(text).replaceAll('&', '&amp;').replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
