import { setImmediate as soon } from 'node:timers/promises';
import test from 'ava';
import { StepError } from '../../../machines/step-error.ts';
import { adaptiveLimiter } from '../../../src/run/limiter.ts';

/** A gate with a clock of its own, and work that ends when the test says so. */
function gate(most: number) {
  let now = 0;
  const changes: (number | null)[] = [];
  const open = adaptiveLimiter({ most, now: () => now, onChange: atOnce => void changes.push(atOnce) });
  const under = new Map<string, PromiseWithResolvers<void>>();
  const ends: Promise<void>[] = [];
  const end = async (name: string, error?: Error) => {
    const work = under.get(name)!;
    under.delete(name);
    if (error) work.reject(error);
    else work.resolve();
    await soon();
  };
  return {
    changes,
    underWay: () => [...under.keys()].join(' '),
    async asks(names: string, signal = new AbortController().signal) {
      for (const name of names.split(' ')) {
        const work = Promise.withResolvers<void>();
        const begun = () => {
          under.set(name, work);
          return work.promise;
        };
        ends.push(open(begun, signal).catch(() => {}));
      }
      await soon();
    },
    end,
    later: (ms: number) => {
      now += ms;
    },
    fails: (name: string, kind: 'transient' | 'nameConflict' | 'unreachable') =>
      end(name, new StepError(kind, `${kind} it is`, { at: now })),
  };
}

test('no more are at it at once than there are places, in the order in which they came', async t => {
  const { asks, underWay, end, changes } = gate(2);
  await asks('a b c d');
  t.is(underWay(), 'a b');
  await end('b');
  t.is(underWay(), 'a c');
  await end('a');
  t.is(underWay(), 'c d');
  t.deepEqual(changes, []);
});

test('a slow answer halves the places, and those that were under way with it halve them no more', async t => {
  const { asks, underWay, end, later, changes } = gate(8);
  await asks('a b c d e f g h i j');
  later(6_000);
  for (const name of 'a b c d e f'.split(' ')) await end(name);
  t.deepEqual(changes, [4]);
  t.is(underWay(), 'g h i j');
});

test('there is always a place, however slow Docker is', async t => {
  const { asks, underWay, end, later, changes } = gate(4);
  for (const name of 'a b c d'.split(' ')) {
    await asks(name);
    t.is(underWay(), name);
    later(9_000);
    await end(name);
    later(1);
  }
  t.deepEqual(changes, [2, 1]);
});

test('a round of quick answers gives a place back, until there are as many as ever', async t => {
  const { asks, end, later, changes } = gate(4);
  await asks('slow');
  later(6_000);
  await end('slow');
  later(1);
  for (const name of 'a b c d e'.split(' ')) {
    await asks(name);
    await end(name);
  }
  t.deepEqual(changes, [2, 3, null]);
});

test('a refusal that passes halves the places too; one for good, or no engine at all, does not', async t => {
  const { asks, fails, later, changes } = gate(8);
  await asks('a b c');
  await fails('a', 'nameConflict');
  await fails('b', 'unreachable');
  t.deepEqual(changes, []);
  later(1);
  await fails('c', 'transient');
  t.deepEqual(changes, [4]);
});

test('who gives up waiting leaves the queue, and takes no place', async t => {
  const { asks, underWay, end } = gate(1);
  const stop = new AbortController();
  await asks('a');
  await asks('b', stop.signal);
  await asks('c');
  stop.abort(new Error('cancelled'));
  await asks('d', stop.signal);
  await end('a');
  t.is(underWay(), 'c');
  await end('c');
  t.is(underWay(), '');
});
