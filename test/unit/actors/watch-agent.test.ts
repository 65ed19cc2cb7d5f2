import test from 'ava';
import type { StepInput } from '../../../machines/agent-types.ts';
import type { ActorContext } from '../../../src/actors/context.ts';
import { agentLeases, type Leases } from '../../../src/actors/lease.ts';
import { agentWatcher } from '../../../src/actors/watch-agent.ts';
import { systemClock } from '../../../src/clock.ts';
import { noNetworks } from '../_helpers/actor-ports.ts';

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
    networks: noNetworks,
  }) as unknown as ActorContext;

const input = (injectedAt: number | null) =>
  ({ name: 'a', attempt: 1, containerId: 'c1', injectedAt }) as unknown as StepInput;
const ignore = () => {};
const { signal } = new AbortController();

test('the end of a container is returned, with or without a time limit or a known start', async t => {
  for (const run of [null, 3_600_000])
    for (const injectedAt of [null, Date.now()])
      t.deepEqual(
        await agentWatcher(agentLeases())(contextWith(run, true), input(injectedAt), signal, ignore),
        end,
      );
});

test('an agent that exceeds its time limit is overdue, even if its watch was interrupted', async t => {
  let now = 7;
  const clock = { ...systemClock, elapsed: () => now };
  const watch = agentWatcher(agentLeases());
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
    const watched = agentWatcher(agentLeases())(
      contextWith(hour, false),
      input(injectedAt),
      stop.signal,
      ignore,
    );
    t.is(await Promise.race([watched, systemClock.sleep(20, signal)]), undefined);
    stop.abort(new Error('enough'));
    await t.throwsAsync(watched, { message: 'enough' });
  }
});

/** Leases that note what is done with them. A renewal lasts until its signal fires. */
function notedLeases() {
  const notes: string[] = [];
  const leases: Leases = {
    begin: () => {},
    async renew(_, { containerId }, stop) {
      notes.push(`renew ${containerId}`);
      await new Promise(resolve => stop.addEventListener('abort', resolve));
      notes.push('stop');
    },
    leaseEndsAt: () => null,
    forget: ({ containerId }) => void notes.push(`forget ${containerId}`),
  };
  return { leases, notes };
}

test('the lease of an agent is renewed while it is watched, and forgotten when it has ended', async t => {
  const { leases, notes } = notedLeases();
  await agentWatcher(leases)(contextWith(null, true), input(0), signal, ignore);
  t.deepEqual(notes.toSorted(), ['forget c1', 'renew c1', 'stop']);
});

test('the lease of an agent that is overdue is remembered', async t => {
  const { leases, notes } = notedLeases();
  const clock = { ...systemClock, sleep: async () => {} };
  t.is(await agentWatcher(leases)(contextWith(1, false, clock), input(0), signal, ignore), 'overdue');
  t.deepEqual(notes, ['renew c1', 'stop']);
});

test('the lease of an agent whose engine cannot be reached is renewed no more, and is remembered', async t => {
  const { leases, notes } = notedLeases();
  const stop = new AbortController();
  const watched = agentWatcher(leases)(contextWith(null, false), input(0), stop.signal, ignore);
  stop.abort(new Error('engine unreachable'));
  await t.throwsAsync(watched, { message: 'engine unreachable' });
  t.deepEqual(notes, ['renew c1', 'stop']);
});
