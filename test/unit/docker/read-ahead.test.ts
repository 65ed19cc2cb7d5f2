import test from 'ava';
import type { Docker, DockerResult } from '../../../src/docker/cli.ts';
import { type Reads, startReads, withReadResults } from '../../../src/docker/read-ahead.ts';
import { never } from '../_helpers/actor-ports.ts';

/** A docker whose calls end when a test ends them. */
function desk() {
  const calls: string[] = [];
  const pending: PromiseWithResolvers<DockerResult>[] = [];
  const signals: (AbortSignal | undefined)[] = [];
  const docker: Docker = (args, { signal } = {}) => {
    calls.push(args.join(' '));
    signals.push(signal);
    const call = Promise.withResolvers<DockerResult>();
    pending.push(call);
    return call.promise;
  };
  const end = (index: number, stdout: string) =>
    pending[index]!.resolve({
      args: [],
      ok: true,
      exitCode: 0,
      stdout,
      stderr: '',
      interrupted: null,
    });
  return { docker, calls, pending, signals, end };
}

const readAhead = (docker: Docker, calls: Reads['calls'], signal: AbortSignal) =>
  withReadResults(docker, startReads(docker, { calls, signal }));

test('a call has the result of the early one, once', async t => {
  const { docker, calls, end } = desk();
  const ahead = readAhead(docker, [['image', 'inspect', 'a']], never);
  t.deepEqual(calls, ['image inspect a']);
  const first = ahead(['image', 'inspect', 'a'], { signal: never });
  end(0, 'early');
  t.is((await first).stdout, 'early');
  const second = ahead(['image', 'inspect', 'a']);
  end(1, 'late');
  t.is((await second).stdout, 'late');
  t.is(calls.length, 2);
});

test('a call with other arguments is made', t => {
  const { docker, calls } = desk();
  const ahead = readAhead(docker, [['image', 'inspect', 'a']], never);
  void ahead(['image', 'inspect', 'b']);
  t.deepEqual(calls, ['image inspect a', 'image inspect b']);
});

test('an aborted call is interrupted, and does not use up the early result', async t => {
  const { docker, end } = desk();
  const ahead = readAhead(docker, [['ps'], ['info']], never);
  const stop = new AbortController();
  const waiting = ahead(['ps'], { signal: stop.signal });
  stop.abort(new Error('cancelled'));
  t.like(await waiting, { ok: false, exitCode: null, interrupted: 'aborted' });
  void ahead(['info'], { signal: stop.signal });
  const info = ahead(['info']);
  end(1, 'early');
  t.is((await info).stdout, 'early');
});

test('an early call that fails is reported where its result is used', async t => {
  const { docker, pending } = desk();
  const ahead = readAhead(docker, [['ps'], ['info']], never);
  for (const { reject } of pending) reject(new Error('no docker'));
  await t.throwsAsync(ahead(['ps'], { signal: never }), { message: 'no docker' });
});

test('the early calls end with their signal', t => {
  const { docker, signals } = desk();
  const over = new AbortController();
  readAhead(docker, [['ps']], over.signal);
  over.abort();
  t.true(signals[0]!.aborted);
});
