import test from 'ava';
import { sharedFlight } from '../../../src/docker/single-flight.ts';

const never = new AbortController().signal;

/** Work that a test ends, one piece after the other. */
function piecework() {
  const pieces: PromiseWithResolvers<number>[] = [];
  return {
    pieces,
    work: () => {
      const piece = Promise.withResolvers<number>();
      pieces.push(piece);
      return piece.promise;
    },
  };
}
const turn = () => new Promise(resolve => setImmediate(resolve));

test('forty concurrent callers share one run, and callers during it share the next one', async t => {
  const { pieces, work } = piecework();
  const ask = sharedFlight(work);
  const early = Array.from({ length: 40 }, () => ask(never));
  await turn();
  const late = Array.from({ length: 40 }, () => ask(never));
  await turn();
  t.is(pieces.length, 1);
  pieces[0]!.resolve(1);
  t.deepEqual(new Set(await Promise.all(early)), new Set([1]));
  await turn();
  t.is(pieces.length, 2);
  pieces[1]!.resolve(2);
  t.deepEqual(new Set(await Promise.all(late)), new Set([2]));
});

test('a caller that aborts, and work that fails, do not affect later callers', async t => {
  const { pieces, work } = piecework();
  const ask = sharedFlight(work);
  const stop = new AbortController();
  const given = ask(stop.signal);
  const kept = ask(never);
  await turn();
  stop.abort(new Error('enough'));
  await t.throwsAsync(given, { message: 'enough' });
  const next = ask(never);
  pieces[0]!.reject(new Error('no answer'));
  await t.throwsAsync(kept, { message: 'no answer' });
  await turn();
  pieces[1]!.resolve(2);
  t.is(await next, 2);
});
