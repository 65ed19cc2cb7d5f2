import { sharedFrame } from './fold.ts';
import type { Taken } from './graph.ts';
import type { Layout } from './positioned.ts';

/** Which arrow of a chart shows a transition, by its number; null where it has none for it. */
export function arrowOf({ boxes, arrows }: Layout, { source, target }: Pick<Taken, 'source' | 'target'>) {
  const parents = new Map(boxes.map(({ id, parent }) => [id, parent]));
  /** From the inside to the outside. What is drawn in the shared frame leaves it, and is entered, by it. */
  const around = (id: string): string[] => {
    const parent = parents.get(id) ?? null;
    return parent === null ? [id] : [id, ...around(parent)];
  };
  const from = around(source);
  const to = around(target);
  const isInside = from.at(-1) === to.at(-1) && from.at(-1) !== sharedFrame;
  const fits = arrows
    .map((arrow, index) => ({ index, out: from.indexOf(arrow.from), into: to.indexOf(arrow.to) }))
    .filter(({ out, into }) => out >= 0 && into >= 0)
    // What goes on within a state is no line from that state to itself.
    .filter(({ out, into }) => !isInside || from[out] !== to[into])
    .sort((a, b) => a.out + a.into - (b.out + b.into));
  return fits[0]?.index ?? null;
}
