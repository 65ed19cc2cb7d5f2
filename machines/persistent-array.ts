/**
 * An array that is never changed in place. Replacing an item copies one path of a tree with 32 branches, so a context that
 * holds thousands of agents costs the same per event as a small one. It is plain data, as contexts of machines are.
 */
export interface PersistentArray<T> {
  /** Bits of an index that select below the root. */
  readonly shift: number;
  readonly root: Node<T>;
}

/** Items, or nodes one level further down. */
type Node<T = unknown> = readonly (T | readonly unknown[])[];

const bits = 5;
const width = 1 << bits;

export function arrayOf<T>(items: readonly T[]): PersistentArray<T> {
  let root: Node<T> = items;
  let shift = 0;
  for (; root.length > width; shift += bits) root = chunksOf(root);
  return { shift, root };
}

const chunksOf = (nodes: Node): readonly Node[] =>
  Array.from({ length: Math.ceil(nodes.length / width) }, (_, at) =>
    nodes.slice(at * width, (at + 1) * width),
  );

export function itemAt<T>({ shift, root }: PersistentArray<T>, index: number): T {
  let node: Node = root;
  for (let level = shift; level > 0; level -= bits) node = node[branchOf(index, level)] as Node;
  return node[branchOf(index, 0)] as T;
}

/** Return a copy with another item at `index`. */
export const withItem = <T>(
  { shift, root }: PersistentArray<T>,
  index: number,
  item: T,
): PersistentArray<T> => ({
  shift,
  root: replaced(root, shift, index, item) as Node<T>,
});

function replaced(node: Node, level: number, index: number, item: unknown): Node {
  const branch = branchOf(index, level);
  return node.with(branch, level === 0 ? item : replaced(node[branch] as Node, level - bits, index, item));
}

const branchOf = (index: number, level: number) => (index >> level) & (width - 1);

export const itemsOf = <T>({ shift, root }: PersistentArray<T>): readonly T[] =>
  root.flat(shift / bits) as T[];
