import type { Arrow, Box, Drawing } from './drawing.ts';

/** A drawing with places, as plain data: what SVG is made of, in a file or in a page. */
export interface Layout {
  readonly kind: Drawing['kind'];
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly (Box & Bounds)[];
  readonly arrows: readonly (Arrow & Route)[];
}

export interface Bounds {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export type Point = readonly [x: number, y: number];

export interface Route {
  readonly points: readonly Point[];
  /** The middle of its label; null where it has none. */
  readonly labelAt: Point | null;
}

/** What a letter takes at most on the average, at the size that charts are written in. */
export const charWidth = 7;
export const lineHeight = 16;
export const fontSize = 12;

/** The `d` of an SVG path along a way. ELK's splines come as cubic ones, orthogonal ways as corners. */
export function pathData({ points }: Pick<Route, 'points'>, kind: Layout['kind']): string {
  const at = ([x, y]: Point) => `${round(x)},${round(y)}`;
  const [first, ...rest] = points;
  if (!first) return '';
  if (kind === 'machine' || rest.length % 3 !== 0)
    return `M${at(first)}${rest.map(p => `L${at(p)}`).join('')}`;
  const curves = Array.from({ length: rest.length / 3 }, (_, index) => rest.slice(index * 3, index * 3 + 3));
  return `M${at(first)}${curves.map(curve => `C${curve.map(at).join(' ')}`).join('')}`;
}

const round = (value: number) => Math.round(value * 10) / 10;

/** The states with others inside are drawn first, so that what they hold lies upon them. */
export function outermostFirst<B extends Box>(boxes: readonly B[]): readonly B[] {
  const parents = new Map(boxes.map(({ id, parent }) => [id, parent]));
  const depth = (id: string | null): number => (id === null ? 0 : 1 + depth(parents.get(id) ?? null));
  return boxes.toSorted((a, b) => depth(a.id) - depth(b.id));
}

export const holdsOthers = ({ id }: Box, boxes: readonly Box[]) => boxes.some(({ parent }) => parent === id);
