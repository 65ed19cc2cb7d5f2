import { oneLine } from '../text/text.ts';
import { colours } from './colours.ts';
import type { Arrow, Box, Drawing, Mark } from './drawing.ts';

/** A drawing as Mermaid text: a machine as a state diagram, a flow as a flowchart. */
export function mermaid(drawing: Drawing): string {
  const lines = drawing.kind === 'machine' ? stateDiagram(drawing) : flowchart(drawing);
  return `${lines.join('\n')}\n`;
}

function stateDiagram({ title, initial, boxes, arrows }: Drawing): string[] {
  const key = keys(boxes);
  const parentOf = new Map(boxes.map(({ id, parent }) => [id, parent]));
  const around = (id: string): (string | null)[] => {
    const parent = parentOf.get(id) ?? null;
    return parent === null ? [null] : [parent, ...around(parent)];
  };
  /** Return the innermost box around both ends. */
  const homeOf = ({ from, to }: Arrow) => around(from).find(box => around(to).includes(box)) ?? null;
  const declared = ({ id, label }: Box) =>
    key(id) === label ? `state ${label}` : `state ${quoted(label)} as ${key(id)}`;
  const inside = (parent: string | null, begin: string | null): string[] =>
    [
      ...boxes
        .filter(box => box.parent === parent)
        .flatMap(box => {
          const { id, label, isFinal, initial } = box;
          if (boxes.some(({ parent }) => parent === id))
            return [`${declared(box)} {`, ...inside(id, initial), '}'];
          return [...(key(id) === label ? [] : [declared(box)]), ...(isFinal ? [`${key(id)} --> [*]`] : [])];
        }),
      ...(begin === null ? [] : [`[*] --> ${key(begin)}`]),
      ...arrows
        .filter(arrow => homeOf(arrow) === parent)
        .map(({ from, to, label }) => `${key(from)} --> ${key(to)}${label && ` : ${escaped(label)}`}`),
    ].map(line => `    ${line}`);
  return ['stateDiagram-v2', `    %% ${comment(title)}`, ...inside(null, initial), ...classes(boxes, key)];
}

function flowchart({ title, boxes, arrows }: Drawing): string[] {
  // An agent may be called `end` or `class`, so names are used as labels only.
  const index = new Map(boxes.map(({ id }, index) => [id, `n${index}`]));
  const key = (id: string) => index.get(id)!;
  return [
    'flowchart LR',
    `    %% ${comment(title)}`,
    ...boxes.map(({ id, label }) => `    ${key(id)}[${quoted(label)}]`),
    ...arrows.map(({ from, to, label }) => `    ${key(from)} -->${label && `|${quoted(label)}|`} ${key(to)}`),
    ...classes(boxes, key),
  ];
}

/** Nested states are named by their last word, if it is unique. */
function keys(boxes: readonly Box[]): (id: string) => string {
  const last = (id: string) => id.slice(id.lastIndexOf('.') + 1);
  const isShared = (word: string) => boxes.filter(({ id }) => last(id) === word).length > 1;
  return id => (isShared(last(id)) ? id.replaceAll('.', '_') : last(id));
}

function classes(boxes: readonly Box[], key: (id: string) => string): string[] {
  const marks = [...new Set(boxes.flatMap(({ mark }) => mark ?? []))];
  const marked = (mark: Mark) => boxes.filter(box => box.mark === mark).map(({ id }) => key(id));
  return marks.flatMap(mark => [
    `    classDef ${mark} fill:${colours[mark].fill},stroke:${colours[mark].line},color:#000`,
    `    class ${marked(mark).join(',')} ${mark}`,
  ]);
}

const quoted = (text: string) => `"${escaped(text)}"`;

/** Escape a comment: Mermaid reads directives in comments too. */
const comment = (text: string) => oneLine(text).replace(/[%{}]/g, '?');

/** Escape every character that Mermaid might interpret by its number. */
const escaped = (text: string) =>
  oneLine(text).replace(/[^\p{L}\p{N} _.,()[\]×-]/gu, char => `#${char.codePointAt(0)};`);
