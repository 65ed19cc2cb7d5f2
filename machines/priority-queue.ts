/**
 * Numbers, the smallest first: a leftist heap, which is never changed in place. Every operation takes logarithmic time, and
 * shares the rest of the heap with the one before.
 */
export interface Heap {
  readonly first: number;
  /** Length of the path along `right`: that of `left` is not shorter. */
  readonly rank: number;
  readonly left: Queue;
  readonly right: Queue;
}

/** null is the empty queue. */
export type Queue = Heap | null;

/** Return a balanced queue of sorted numbers. */
export function queueOf(sorted: readonly number[], at = 0): Queue {
  const first = sorted[at];
  return first === undefined ? null : node(first, queueOf(sorted, 2 * at + 1), queueOf(sorted, 2 * at + 2));
}

export const withNumber = (queue: Queue, number: number): Queue => merged(queue, node(number, null, null));

export const withoutFirst = ({ left, right }: Heap): Queue => merged(left, right);

function merged(a: Queue, b: Queue): Queue {
  if (a === null || b === null) return a ?? b;
  const [top, other] = a.first <= b.first ? [a, b] : [b, a];
  return node(top.first, top.left, merged(top.right, other));
}

function node(first: number, a: Queue, b: Queue): Heap {
  const [left, right] = rankOf(a) >= rankOf(b) ? [a, b] : [b, a];
  return { first, rank: rankOf(right) + 1, left, right };
}

const rankOf = (queue: Queue) => queue?.rank ?? 0;
