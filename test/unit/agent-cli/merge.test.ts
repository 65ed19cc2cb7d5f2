import test from 'ava';
import { merge } from '../../../src/agent-cli/merge.ts';

test('objects are merged key by key, and other keys are kept', t => {
  t.deepEqual(merge({ a: { b: 1, c: 2 }, d: 3 }, { a: { b: 4 }, e: 5 }), { a: { b: 4, c: 2 }, d: 3, e: 5 });
});

test('lists and values are replaced, also by values of another type', t => {
  t.deepEqual(merge({ a: [1, 2], b: {}, c: 1 }, { a: [3], b: null, c: { d: 1 } }), {
    a: [3],
    b: null,
    c: { d: 1 },
  });
  t.deepEqual(merge(null, { a: 1 }), { a: 1 });
});

test('the key __proto__ does not change a prototype', t => {
  const merged = merge({}, JSON.parse('{"__proto__": {"polluted": true}}'));
  t.false('polluted' in (merged as object));
  t.false('polluted' in {});
});
