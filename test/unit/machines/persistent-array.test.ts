import test from 'ava';
import fc from 'fast-check';
import { arrayOf, itemAt, itemsOf, withItem } from '../../../machines/persistent-array.ts';

test('an array has the items of the list, also after some were replaced, and earlier arrays stay the same', t => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.integer()), { maxLength: 30 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), changes, (length, replacements) => {
      let list = Array.from({ length }, (_, index) => index);
      let array = arrayOf(list);
      for (const [at, item] of replacements) {
        const [listBefore, arrayBefore] = [list, array];
        list = list.with(at % length, item);
        array = withItem(array, at % length, item);
        t.deepEqual(itemsOf(arrayBefore), listBefore);
        t.deepEqual(itemsOf(array), list);
        t.is(itemAt(array, at % length), item);
      }
    }),
    { numRuns: 50 },
  );
});

test('an array without items is empty', t => t.deepEqual(itemsOf(arrayOf([])), []));

test('replacing an item copies one path of nodes, of at most 32 entries each', t => {
  const before = arrayOf(Array.from({ length: 10_000 }, (_, index) => ({ index })));
  const after = withItem(before, 5_000, { index: -1 });
  t.is(copiedEntries(before.root, after.root), 10 + 32 + 32);
});

test('an array is plain data', t => {
  const array = withItem(arrayOf(Array.from({ length: 100 }, (_, index) => ({ index }))), 40, { index: -1 });
  t.deepEqual(JSON.parse(JSON.stringify(array)), array);
});

/** Count the entries of the nodes that are not shared. */
function copiedEntries(before: unknown, after: unknown): number {
  if (before === after || !Array.isArray(before) || !Array.isArray(after)) return 0;
  return after.reduce((sum: number, node, at) => sum + copiedEntries(before[at], node), after.length);
}
