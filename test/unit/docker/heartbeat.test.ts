import test, { type ExecutionContext } from 'ava';
import type { DockerResult } from '../../../src/docker/cli.ts';
import { heartbeat } from '../../../src/docker/heartbeat.ts';
import { virtualTime } from '../_helpers/virtual-time.ts';

interface Engine {
  isSilent?: boolean;
  /** Error with which docker exits at once. */
  refuses?: string;
  /** docker cannot be started. */
  isBroken?: boolean;
  isNeeded?: boolean;
}

const never = new AbortController().signal;

/** Check an engine that the test may change meanwhile. */
function checked(t: ExecutionContext, engine: Engine, random = () => 0) {
  const time = virtualTime();
  const stop = new AbortController();
  const reported: string[] = [];
  const calls: number[] = [];
  let running = 0;
  const over = heartbeat({
    async docker(args, { timeout = 60_000, signal = never, isPolling, isMutation = false } = {}) {
      t.deepEqual([args[0], isPolling, isMutation], ['version', true, false]);
      calls.push(time.now());
      t.is(++running, 1, 'one call at a time');
      const end = (ended: Partial<DockerResult>): DockerResult => {
        running--;
        return { args, ok: false, exitCode: 1, stdout: '', stderr: '', interrupted: null, ...ended };
      };
      if (engine.isBroken) {
        running--;
        throw new Error('spawn docker EAGAIN');
      }
      if (engine.refuses !== undefined) return end({ stderr: `${engine.refuses}\n` });
      if (!engine.isSilent) return end({ ok: true, exitCode: 0 });
      const isTimeout = await time.sleep(timeout, signal).then(
        () => true,
        () => false,
      );
      return end({ exitCode: null, interrupted: isTimeout ? 'timeout' : 'aborted' });
    },
    isNeeded: () => engine.isNeeded ?? true,
    signal: stop.signal,
    sleep: time.sleep,
    random,
    onSilent: reason => reported.push(`${time.now()}: ${reason}`),
    onResponse: () => reported.push(`${time.now()}: responds`),
  });
  t.teardown(async () => {
    stop.abort();
    await over;
  });
  return { time, reported, calls, over, stop: () => stop.abort(), running: () => running };
}

test('an engine is called every 10 s while it is needed', async t => {
  const engine: Engine = { isNeeded: false };
  const { time, reported, calls } = checked(t, engine);
  await time.pass(35_000);
  t.deepEqual(calls, []);
  engine.isNeeded = true;
  await time.pass(30_000);
  t.deepEqual(calls, [40_000, 50_000, 60_000]);
  t.deepEqual(reported, []);
});

test('the first call is made at a random time of the interval, so that those of many engines are spread', async t => {
  const { time, calls } = checked(t, {}, () => 0.25);
  await time.pass(23_000);
  t.deepEqual(calls, [2_500, 12_500, 22_500]);
});

test('an engine that does not respond to two calls in a row, of 5 s each, is silent until it responds', async t => {
  const engine: Engine = {};
  const { time, reported, calls } = checked(t, engine);
  await time.pass(5_000);
  engine.isSilent = true;
  await time.pass(50_000);
  t.deepEqual(reported, ['25000: no response within 5 s, twice in a row']);
  engine.isSilent = false;
  await time.pass(20_000);
  t.deepEqual(calls, [0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000, 70_000]);
  t.deepEqual(reported.slice(1), ['60000: responds']);
});

test('one call without a response is not reported, however often it happens', async t => {
  const engine: Engine = {};
  const { time, reported } = checked(t, engine);
  for (let times = 0; times < 10; times++) {
    await time.pass(5_000);
    engine.isSilent = true;
    await time.pass(10_000);
    engine.isSilent = false;
    await time.pass(5_000);
  }
  t.deepEqual(reported, []);
});

test('an engine that never responds in time is reported once', async t => {
  const { time, reported } = checked(t, { isSilent: true });
  await time.pass(600_000);
  t.is(reported.length, 1);
});

test('an engine that cannot be connected to is silent, for the reason of docker', async t => {
  const refuses = 'Cannot connect to the Docker daemon at tcp://build1:2375.';
  const { time, reported } = checked(t, { refuses });
  await time.pass(15_000);
  t.deepEqual(reported, [`10000: ${refuses}`]);
});

test('an engine that denies the call responds', async t => {
  const { time, reported } = checked(t, { refuses: 'Error response from daemon: Forbidden' });
  await time.pass(60_000);
  t.deepEqual(reported, []);
});

test('a docker that cannot be started does not end the heartbeat', async t => {
  const engine: Engine = { isBroken: true };
  const { time, reported } = checked(t, engine);
  await time.pass(15_000);
  engine.isBroken = false;
  await time.pass(10_000);
  t.deepEqual(reported, ['10000: spawn docker EAGAIN', '20000: responds']);
});

test('the end of the run ends a call and reports nothing', async t => {
  const { time, reported, calls, over, stop, running } = checked(t, { isSilent: true });
  await time.pass(12_000);
  t.is(running(), 1);
  stop();
  await over;
  t.is(running(), 0);
  await time.pass(60_000);
  t.is(calls.length, 2);
  t.deepEqual(reported, []);
});
