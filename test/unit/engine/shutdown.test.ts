import { EventEmitter } from 'node:events';
import test from 'ava';
import type { Run } from '../../../src/engine/conduct.ts';
import { obeySignals } from '../../../src/engine/shutdown.ts';

/** A process that only notes what it is told, and a run that does as well. */
function world() {
  const told: (string | number)[] = [];
  const run = { cancel: (reason: string) => told.push(`cancel ${reason}`), kill: () => told.push('kill') };
  const host = Object.assign(new EventEmitter(), { exit: (code: number) => told.push(code) });
  const signals = obeySignals(Promise.resolve(run as unknown as Run), host as unknown as NodeJS.Process);
  const send = async (signal: NodeJS.Signals) => {
    // Without a listener Node would end the process by the signal.
    if (!host.emit(signal, signal)) told.push(`ended by ${signal}`);
    await Promise.resolve();
  };
  return { told, send, signals };
}

test('the first signal cancels the run and gives the exit code, the second removes everything at once', async t => {
  const { told, send, signals } = world();
  t.is(signals.exitCode(), null);
  await send('SIGTERM');
  t.deepEqual(told, ['cancel SIGTERM']);
  await send('SIGINT');
  t.deepEqual(told, ['cancel SIGTERM', 'kill']);
  t.is(signals.exitCode(), 143);
});

test('a signal that comes when the run is over ends the process, by the exit code that was due', async t => {
  const cancelled = world();
  await cancelled.send('SIGINT');
  cancelled.signals.runIsOver();
  await cancelled.send('SIGTERM');
  t.deepEqual(cancelled.told, ['cancel SIGINT', 130]);

  const undisturbed = world();
  undisturbed.signals.runIsOver();
  await undisturbed.send('SIGTERM');
  t.deepEqual(undisturbed.told, [143]);
});

test('SIGHUP lets go at once, whenever it comes', async t => {
  const { told, send, signals } = world();
  await send('SIGHUP');
  signals.runIsOver();
  await send('SIGHUP');
  t.deepEqual(told, [129, 129]);
});
