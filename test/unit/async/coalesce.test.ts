import test from 'ava';
import { coalesce } from '../../../src/async/coalesce.ts';

const never = new AbortController().signal;

/** Create work whose calls a test settles one by one. */
function controlledWork() {
  const calls: PromiseWithResolvers<number>[] = [];
  return {
    calls,
    work: () => {
      const call = Promise.withResolvers<number>();
      calls.push(call);
      return call.promise;
    },
  };
}
const turn = () => new Promise(resolve => setImmediate(resolve));

test('forty concurrent callers share one run, and callers during it share the next one', async t => {
  const { calls, work } = controlledWork();
  const flight = coalesce(work);
  const early = Array.from({ length: 40 }, () => flight(never));
  await turn();
  const late = Array.from({ length: 40 }, () => flight(never));
  await turn();
  t.is(calls.length, 1);
  calls[0]!.resolve(1);
  t.deepEqual(new Set(await Promise.all(early)), new Set([1]));
  await turn();
  t.is(calls.length, 2);
  calls[1]!.resolve(2);
  t.deepEqual(new Set(await Promise.all(late)), new Set([2]));
});

test('a caller that aborts, and work that fails, do not affect later callers', async t => {
  const { calls, work } = controlledWork();
  const flight = coalesce(work);
  const stop = new AbortController();
  const aborted = flight(stop.signal);
  const other = flight(never);
  await turn();
  stop.abort(new Error('enough'));
  await t.throwsAsync(aborted, { message: 'enough' });
  const next = flight(never);
  calls[0]!.reject(new Error('no response'));
  await t.throwsAsync(other, { message: 'no response' });
  await turn();
  calls[1]!.resolve(2);
  t.is(await next, 2);
});
