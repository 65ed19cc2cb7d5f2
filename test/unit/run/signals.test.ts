import { EventEmitter } from 'node:events';
import test from 'ava';
import type { Run } from '../../../src/run/run.ts';
import { handleSignals } from '../../../src/run/signals.ts';

/** A fake process and fake runs that record their calls. */
function fakeProcess(...names: readonly string[]) {
  const calls: (string | number)[] = [];
  const host = Object.assign(new EventEmitter(), { exit: (code: number) => calls.push(code) });
  const signals = handleSignals(names.length, host as unknown as NodeJS.Process);
  const run = (name: string) =>
    ({
      cancel: (reason: string) => calls.push(`cancel ${name}: ${reason}`),
      kill: () => calls.push(`kill ${name}`),
    }) as unknown as Run;
  const send = async (signal: NodeJS.Signals) => {
    // Node ends a process by a signal without a listener.
    if (!host.emit(signal, signal)) calls.push(`ended by ${signal}`);
    await settled();
  };
  return { calls, send, signals, run, host };
}

const settled = () => new Promise(resolve => setImmediate(resolve));

function started(...names: readonly string[]) {
  const fake = fakeProcess(...names);
  for (const name of names) fake.signals.add(Promise.resolve(fake.run(name)));
  return fake;
}

test('the first signal cancels the run and sets the exit code, the second kills it', async t => {
  const { calls, send, signals } = started('a');
  t.is(signals.exitCode(), null);
  await send('SIGTERM');
  t.deepEqual(calls, ['cancel a: SIGTERM']);
  await send('SIGINT');
  t.deepEqual(calls, ['cancel a: SIGTERM', 'kill a']);
  t.is(signals.exitCode(), 143);
});

test('both signals reach fake runs', async t => {
  const { calls, send } = started('a', 'b', 'c');
  await send('SIGINT');
  t.deepEqual(calls.splice(0), ['cancel a: SIGINT', 'cancel b: SIGINT', 'cancel c: SIGINT']);
  await send('SIGINT');
  t.deepEqual(calls, ['kill a', 'kill b', 'kill c']);
});

test('many runs share one listener per signal', t => {
  const { host } = started(...Array.from({ length: 40 }, (_, index) => `run-${index}`));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) t.is(host.listenerCount(signal), 1);
});

test('a signal does not end the process while another run is active', async t => {
  const { calls, send, signals } = started('a', 'b');
  signals.noteRunEnd();
  await send('SIGINT');
  t.deepEqual(calls, ['cancel a: SIGINT', 'cancel b: SIGINT']);
  signals.noteRunEnd();
  await send('SIGINT');
  t.is(calls.at(-1), 130);
});

test('a run that starts after the signals receives them', async t => {
  const { calls, send, signals, run } = fakeProcess('a', 'b');
  const late = Promise.withResolvers<Run>();
  signals.add(late.promise);
  await send('SIGINT');
  await send('SIGINT');
  t.deepEqual(calls, []);
  late.resolve(run('a'));
  signals.add(Promise.resolve(run('b')));
  await settled();
  t.deepEqual(calls.toSorted(), ['cancel a: SIGINT', 'cancel b: SIGINT', 'kill a', 'kill b']);
});

test('a run that fails to start does not prevent the cancel of another', async t => {
  const { calls, send, signals, run } = fakeProcess('a', 'b');
  signals.add(Promise.reject(new Error('no engine')));
  signals.add(Promise.resolve(run('b')));
  signals.noteRunEnd();
  await send('SIGINT');
  t.deepEqual(calls, ['cancel b: SIGINT']);
});

test('a signal after the end of the run exits with the code of the first signal', async t => {
  const cancelled = started('a');
  await cancelled.send('SIGINT');
  cancelled.signals.noteRunEnd();
  await cancelled.send('SIGTERM');
  t.deepEqual(cancelled.calls, ['cancel a: SIGINT', 130]);

  const finished = started('a');
  finished.signals.noteRunEnd();
  await finished.send('SIGTERM');
  t.deepEqual(finished.calls, [143]);
});

test('SIGHUP exits at once, during and after a run', async t => {
  const { calls, send, signals } = started('a');
  await send('SIGHUP');
  signals.noteRunEnd();
  await send('SIGHUP');
  t.deepEqual(calls, [129, 129]);
});
