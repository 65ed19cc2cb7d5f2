import test from 'ava';
import fc from 'fast-check';
import { type Queue, queueOf, withNumber, withoutFirst } from '../../../machines/priority-queue.ts';

const numbers = fc.array(fc.nat(1000), { maxLength: 200 });

/** Take all numbers out, one by one. */
function drained(queue: Queue): number[] {
  const taken: number[] = [];
  for (let left = queue; left !== null; left = withoutFirst(left)) taken.push(left.first);
  return taken;
}

const sorted = (list: readonly number[]) => list.toSorted((a, b) => a - b);

test('a queue returns its numbers in order, also those that are added later', t => {
  fc.assert(
    fc.property(numbers, numbers, (first, later) => {
      const queue = later.reduce(withNumber, queueOf(sorted(first)));
      t.deepEqual(drained(queue), sorted([...first, ...later]));
    }),
  );
});

test('adding and taking visit a logarithmic number of nodes, in whatever order numbers are added', t => {
  const orders = [
    (index: number) => index,
    (index: number) => -index,
    (index: number) => (index * 7919) % 10_007,
  ];
  for (const order of orders) {
    let queue: Queue = null;
    for (let index = 0; index < 10_000; index++) queue = withNumber(queue, order(index));
    t.true(queue!.rank <= Math.log2(10_001));
    t.true(withoutFirst(queue!)!.rank <= Math.log2(10_001));
  }
});

test('a queue does not change when a number is added or taken', t => {
  const queue = queueOf([1, 2, 3]);
  withNumber(queue, 0);
  withoutFirst(queue!);
  t.deepEqual(drained(queue), [1, 2, 3]);
});
