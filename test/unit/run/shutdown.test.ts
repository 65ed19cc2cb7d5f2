import { EventEmitter } from 'node:events';
import test from 'ava';
import type { Run } from '../../../src/run/run.ts';
import { handleSignals } from '../../../src/run/shutdown.ts';

/** A process that only notes what it is told, and runs that do as well. */
function world(...names: readonly string[]) {
  const told: (string | number)[] = [];
  const host = Object.assign(new EventEmitter(), { exit: (code: number) => told.push(code) });
  const signals = handleSignals(names.length, host as unknown as NodeJS.Process);
  const run = (name: string) =>
    ({
      cancel: (reason: string) => told.push(`cancel ${name}: ${reason}`),
      kill: () => told.push(`kill ${name}`),
    }) as unknown as Run;
  const send = async (signal: NodeJS.Signals) => {
    // Without a listener Node would end the process by the signal.
    if (!host.emit(signal, signal)) told.push(`ended by ${signal}`);
    await settled();
  };
  return { told, send, signals, run, host };
}

const settled = () => new Promise(resolve => setImmediate(resolve));

function started(...names: readonly string[]) {
  const all = world(...names);
  for (const name of names) all.signals.cover(Promise.resolve(all.run(name)));
  return all;
}

test('the first signal cancels the run and gives the exit code, the second removes everything at once', async t => {
  const { told, send, signals } = started('a');
  t.is(signals.exitCode(), null);
  await send('SIGTERM');
  t.deepEqual(told, ['cancel a: SIGTERM']);
  await send('SIGINT');
  t.deepEqual(told, ['cancel a: SIGTERM', 'kill a']);
  t.is(signals.exitCode(), 143);
});

test('one signal is for all runs, and so is the second', async t => {
  const { told, send } = started('a', 'b', 'c');
  await send('SIGINT');
  t.deepEqual(told.splice(0), ['cancel a: SIGINT', 'cancel b: SIGINT', 'cancel c: SIGINT']);
  await send('SIGINT');
  t.deepEqual(told, ['kill a', 'kill b', 'kill c']);
});

test('many runs have one listener of each signal', t => {
  const { host } = started(...Array.from({ length: 40 }, (_, index) => `run-${index}`));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) t.is(host.listenerCount(signal), 1);
});

test('a run that is over does not let a signal end the process while another is driven', async t => {
  const { told, send, signals } = started('a', 'b');
  signals.runIsOver();
  await send('SIGINT');
  t.deepEqual(told, ['cancel a: SIGINT', 'cancel b: SIGINT']);
  signals.runIsOver();
  await send('SIGINT');
  t.is(told.at(-1), 130);
});

test('a run that begins after the signals gets them all', async t => {
  const { told, send, signals, run } = world('a', 'b');
  const late = Promise.withResolvers<Run>();
  signals.cover(late.promise);
  await send('SIGINT');
  await send('SIGINT');
  t.deepEqual(told, []);
  late.resolve(run('a'));
  signals.cover(Promise.resolve(run('b')));
  await settled();
  t.deepEqual(told.toSorted(), ['cancel a: SIGINT', 'cancel b: SIGINT', 'kill a', 'kill b']);
});

test('a run that cannot begin keeps no other from being cancelled', async t => {
  const { told, send, signals, run } = world('a', 'b');
  signals.cover(Promise.reject(new Error('no engine')));
  signals.cover(Promise.resolve(run('b')));
  signals.runIsOver();
  await send('SIGINT');
  t.deepEqual(told, ['cancel b: SIGINT']);
});

test('a signal that comes when the run is over ends the process, by the exit code that was due', async t => {
  const cancelled = started('a');
  await cancelled.send('SIGINT');
  cancelled.signals.runIsOver();
  await cancelled.send('SIGTERM');
  t.deepEqual(cancelled.told, ['cancel a: SIGINT', 130]);

  const undisturbed = started('a');
  undisturbed.signals.runIsOver();
  await undisturbed.send('SIGTERM');
  t.deepEqual(undisturbed.told, [143]);
});

test('SIGHUP lets go at once, whenever it comes', async t => {
  const { told, send, signals } = started('a');
  await send('SIGHUP');
  signals.runIsOver();
  await send('SIGHUP');
  t.deepEqual(told, [129, 129]);
});
