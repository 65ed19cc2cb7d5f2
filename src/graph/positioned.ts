import type { Arrow, Box, Drawing } from './drawing.ts';

/** A drawing with positions, as plain data, for SVG in a file or in a page. */
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
  /** The centre of its label; null without one. */
  readonly labelAt: Point | null;
}

/** Pixels: an upper bound of the average width of a letter at the font size of charts. */
export const charWidth = 7;
export const lineHeight = 16;
export const fontSize = 12;

/** Return the `d` of an SVG path along a route. ELK returns splines as cubic curves, orthogonal routes as corners. */
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

/** Sort boxes so that those around others are drawn first. */
export function outermostFirst<B extends Box>(boxes: readonly B[]): readonly B[] {
  const parents = new Map(boxes.map(({ id, parent }) => [id, parent]));
  const depth = (id: string | null): number => (id === null ? 0 : 1 + depth(parents.get(id) ?? null));
  return boxes.toSorted((a, b) => depth(a.id) - depth(b.id));
}

export const holdsOthers = ({ id }: Box, boxes: readonly Box[]) => boxes.some(({ parent }) => parent === id);
