import { oneLine } from '../text/text.ts';
import { colours } from './colours.ts';
import type { Arrow, Box } from './drawing.ts';
import {
  type Bounds,
  fontSize,
  holdsOthers,
  type Layout,
  outermostFirst,
  pathData,
  type Route,
} from './positioned.ts';

/** Write a layout as an SVG file. It contains no script and loads nothing, and names in it are text only. */
export function svg({ kind, title, width, height, boxes, arrows }: Layout): string {
  const frames = boxes.filter(box => holdsOthers(box, boxes));
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="${fontSize}">`,
    `<title>${text(title)}</title>`,
    '<defs>',
    ...[plain, taken].map(
      ({ id, colour }) =>
        `<marker id="${id}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0L8,4L0,8z" fill="${colour}"/></marker>`,
    ),
    '</defs>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...outermostFirst(boxes).map(box => boxIn(box, frames.includes(box))),
    ...arrows.toSorted((a, b) => Number(a.taken) - Number(b.taken)).map(arrow => arrowIn(arrow, kind)),
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
}

const plain = { id: 'arrow', colour: '#868e96', width: 1 };
const taken = { id: 'taken', colour: colours.visited.line, width: 2 };

function boxIn({ x, y, width, height, label, mark, isFinal }: Box & Bounds, isFrame: boolean): string {
  const { fill, line } = mark ? colours[mark] : { fill: isFrame ? 'none' : '#fff', line: '#868e96' };
  const middle = isFrame ? y + 19 : y + height / 2;
  const shape = `x="${x}" y="${y}" width="${width}" height="${height}" rx="6"`;
  const inner = isFinal
    ? `<rect x="${x + 3}" y="${y + 3}" width="${width - 6}" height="${height - 6}" rx="4" fill="none" stroke="${line}"/>`
    : '';
  return `<rect ${shape} fill="${fill}" stroke="${line}"/>${inner}<text x="${x + width / 2}" y="${middle}" text-anchor="middle" dominant-baseline="central">${text(label)}</text>`;
}

function arrowIn(arrow: Arrow & Route, kind: Layout['kind']): string {
  const { id, colour, width } = arrow.taken ? taken : plain;
  const way = `<path d="${pathData(arrow, kind)}" fill="none" stroke="${colour}" stroke-width="${width}" marker-end="url(#${id})"/>`;
  if (arrow.labelAt === null) return way;
  const [x, y] = arrow.labelAt;
  return `${way}<text x="${x}" y="${y}" text-anchor="middle" dominant-baseline="central" font-size="11" fill="#495057">${text(arrow.label)}</text>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

const text = (given: string) => oneLine(given).replace(/[&<>"]/g, char => entities[char]!);
