import test from 'ava';
import { guarded } from '../../../src/run/callbacks.ts';

const callbackError = new Error('error of the callback');
const failing: Readonly<Record<string, () => unknown>> = {
  throws: () => {
    throw callbackError;
  },
  rejects: () => Promise.reject(callbackError),
  'returns a thenable that throws': () => ({
    then() {
      throw callbackError;
    },
  }),
  'returns a value whose `then` cannot be read': () => ({
    get then() {
      throw callbackError;
    },
  }),
};

for (const [how, callback] of Object.entries(failing))
  test(`a callback that ${how} reports its error once, and is not called again`, async t => {
    let calls = 0;
    const errors = Promise.withResolvers<unknown>();
    const reported: unknown[] = [];
    const call = guarded(
      () => {
        calls++;
        return callback();
      },
      error => {
        reported.push(error);
        errors.resolve(error);
      },
    );
    t.notThrows(() => call());
    t.is(await errors.promise, callbackError);
    t.notThrows(() => call());
    t.is(calls, 1);
    t.deepEqual(reported, [callbackError]);
  });

test('calls of one callback that reject together report the first error', async t => {
  const reported: unknown[] = [];
  const call = guarded(
    async (n: number) => Promise.reject(n),
    error => reported.push(error),
  );
  for (const n of [1, 2, 3]) call(n);
  await new Promise(resolve => setImmediate(resolve));
  t.deepEqual(reported, [1]);
});

test('a callback is called with its arguments, and its result is ignored', t => {
  const given: unknown[] = [];
  const call = guarded(
    (...args: [string, number]) => {
      given.push(args);
      return null;
    },
    () => t.fail(),
  );
  call('a', 1);
  call('b', 2);
  t.deepEqual(given, [
    ['a', 1],
    ['b', 2],
  ]);
});
