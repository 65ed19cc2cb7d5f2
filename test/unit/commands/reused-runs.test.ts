import test from 'ava';
import fc from 'fast-check';
import { keptByReruns } from '../../../src/commands/cleanup/reused-runs.ts';

test('a run stays as long as one that stays reuses its work', t => {
  const users = new Map([
    ['r1', ['r2', 'r3']],
    ['r2', ['r3']],
  ]);
  t.deepEqual([...keptByReruns(users, ['r1', 'r2', 'r3'])], []);
  t.deepEqual(
    [...keptByReruns(users, ['r1', 'r2'])],
    [
      ['r1', ['r3']],
      ['r2', ['r3']],
    ],
  );
  t.deepEqual(
    [
      ...keptByReruns(
        new Map([
          ['r1', ['r2']],
          ['r2', ['r3']],
        ]),
        ['r1', 'r2'],
      ),
    ]
      .map(([run]) => run)
      .sort(),
    ['r1', 'r2'],
  );
  t.deepEqual([...keptByReruns(users, [])], []);
});

test('a run that is removed is used by none that stays, and no more is kept', t => {
  const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
  const uses = fc.array(fc.tuple(fc.constantFrom(...ids), fc.constantFrom(...ids)), { maxLength: 10 });
  fc.assert(
    fc.property(uses, fc.subarray(ids), (pairs, removable) => {
      const users = new Map<string, string[]>();
      for (const [run, user] of pairs) if (run !== user) users.set(run, [...(users.get(run) ?? []), user]);
      const kept = keptByReruns(users, removable);
      const leaves = (run: string) => removable.includes(run) && !kept.has(run);
      return (
        removable.filter(leaves).every(run => (users.get(run) ?? []).every(leaves)) &&
        [...kept.keys()].every(run => removable.includes(run) && users.get(run)!.some(user => !leaves(user)))
      );
    }),
  );
  t.pass();
});
