import test from 'ava';
import type { WatchInput } from '../../../machines/agent-types.ts';
import { watchAgent } from '../../../src/actors/watch-agent.ts';
import type { World } from '../../../src/actors/world.ts';
import { systemClock } from '../../../src/engine/clock.ts';

const end = { exitCode: 0, oomKilled: false, how: 'died', at: 5 } as const;

/** A world in which containers end at once, or never. */
const world = (run: number | null, ends: boolean) =>
  ({
    clock: systemClock,
    watcher: {
      ended: (_: string, stop: AbortSignal) =>
        ends
          ? Promise.resolve(end)
          : new Promise((_, reject) => stop.addEventListener('abort', () => reject(stop.reason))),
    },
    plan: () => ({ timeouts: { run }, attended: null }),
  }) as unknown as World;

const input = (injectedAt: number | null) =>
  ({ name: 'a', attempt: 1, containerId: 'c1', injectedAt, tell: () => {} }) as unknown as WatchInput;
const { signal } = new AbortController();

test('the end of a container is seen, whatever its limit and whether it is known when it began', async t => {
  for (const run of [null, 3_600_000])
    for (const injectedAt of [null, Date.now()])
      t.deepEqual(await watchAgent(world(run, true), input(injectedAt), signal), end);
});

test('one that outlives its limit is overdue', async t => {
  t.is(await watchAgent(world(1_000, false), input(Date.now() - 60_000), signal), 'overdue');
});
