import test from 'ava';
import type { StepInput } from '../../../machines/agent-types.ts';
import type { ActorContext } from '../../../src/actors/context.ts';
import { agentWatcher } from '../../../src/actors/watch-agent.ts';
import { systemClock } from '../../../src/clock.ts';

const end = { exitCode: 0, oomKilled: false, reason: 'died', at: 5 } as const;

/** A world in which containers end at once, or never. */
const world = (run: number | null, ends: boolean, clock = systemClock) =>
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

test('the end of a container is seen, whatever its limit and whether it is known when it began', async t => {
  for (const run of [null, 3_600_000])
    for (const injectedAt of [null, Date.now()])
      t.deepEqual(await agentWatcher()(world(run, true), input(injectedAt), signal, ignore), end);
});

test('one that outlives its limit is overdue, also where it was lost sight of meanwhile', async t => {
  let now = 7;
  const clock = { ...systemClock, elapsed: () => now };
  const watch = agentWatcher();
  const stop = new AbortController();
  const first = watch(world(1_000, false, clock), input(0), stop.signal, ignore);
  stop.abort(new Error('away'));
  await t.throwsAsync(first, { message: 'away' });
  now += 60_000;
  t.is(await watch(world(1_000, false, clock), input(0), signal, ignore), 'overdue');
});

test('whatever the wall clock makes of the time before, an agent that is found running is not overdue', async t => {
  const hour = 3_600_000;
  for (const injectedAt of [0, Date.now() - 30 * hour, Date.now() - hour, Date.now() + hour]) {
    const stop = new AbortController();
    const watched = agentWatcher()(world(hour, false), input(injectedAt), stop.signal, ignore);
    t.is(await Promise.race([watched, systemClock.sleep(20, signal)]), undefined);
    stop.abort(new Error('enough'));
    await t.throwsAsync(watched, { message: 'enough' });
  }
});
