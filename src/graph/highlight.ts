import { sharedFrame } from './fold.ts';
import type { Taken } from './graph.ts';
import type { Layout } from './positioned.ts';

/** Return the index of the arrow that shows a transition; null if there is none. */
export function arrowOf({ boxes, arrows }: Layout, { source, target }: Pick<Taken, 'source' | 'target'>) {
  const parents = new Map(boxes.map(({ id, parent }) => [id, parent]));
  /** Return a box and the boxes around it, innermost first. States in the shared frame are entered and left by it. */
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
    // A transition within a state is not an arrow from that state to itself.
    .filter(({ out, into }) => !isInside || from[out] !== to[into])
    .sort((a, b) => a.out + a.into - (b.out + b.into));
  return fits[0]?.index ?? null;
}
