import test from 'ava';
import type { StepInput } from '../../../machines/agent-types.ts';
import type { ActorContext } from '../../../src/actors/context.ts';
import { agentWatcher } from '../../../src/actors/watch-agent.ts';
import { systemClock } from '../../../src/clock.ts';

const end = { exitCode: 0, oomKilled: false, reason: 'died', at: 5 } as const;

/** Create an actor context in which containers end at once, or never. */
const contextWith = (run: number | null, ends: boolean, clock = systemClock) =>
  ({
    clock,
    watcher: {
      ended: (_: string, stop: AbortSignal) =>
        ends
          ? Promise.resolve(end)
          : new Promise((_, reject) => stop.addEventListener('abort', () => reject(stop.reason))),
    },
    plan: () => ({ timeouts: { run }, interactive: null }),
  }) as unknown as ActorContext;

const input = (injectedAt: number | null) =>
  ({ name: 'a', attempt: 1, containerId: 'c1', injectedAt }) as unknown as StepInput;
const ignore = () => {};
const { signal } = new AbortController();

test('the end of a container is returned, with or without a time limit or a known start', async t => {
  for (const run of [null, 3_600_000])
    for (const injectedAt of [null, Date.now()])
      t.deepEqual(await agentWatcher()(contextWith(run, true), input(injectedAt), signal, ignore), end);
});

test('an agent that exceeds its time limit is overdue, even if its watch was interrupted', async t => {
  let now = 7;
  const clock = { ...systemClock, elapsed: () => now };
  const watch = agentWatcher();
  const stop = new AbortController();
  const first = watch(contextWith(1_000, false, clock), input(0), stop.signal, ignore);
  stop.abort(new Error('engine unreachable'));
  await t.throwsAsync(first, { message: 'engine unreachable' });
  now += 60_000;
  t.is(await watch(contextWith(1_000, false, clock), input(0), signal, ignore), 'overdue');
});

test('an agent that is found running is not overdue, whatever the wall clock', async t => {
  const hour = 3_600_000;
  for (const injectedAt of [0, Date.now() - 30 * hour, Date.now() - hour, Date.now() + hour]) {
    const stop = new AbortController();
    const watched = agentWatcher()(contextWith(hour, false), input(injectedAt), stop.signal, ignore);
    t.is(await Promise.race([watched, systemClock.sleep(20, signal)]), undefined);
    stop.abort(new Error('enough'));
    await t.throwsAsync(watched, { message: 'enough' });
  }
});
