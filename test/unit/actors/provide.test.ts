import test from 'ava';
import { createActor, fromPromise, waitFor } from 'xstate';
import type { Reconciliation, StepInput } from '../../../machines/agent-types.ts';
import { StepError } from '../../../machines/step-error.ts';
import type { ActorContext } from '../../../src/actors/context.ts';
import { agentLeases } from '../../../src/actors/lease.ts';
import { provideActors, type SchedulerPort } from '../../../src/actors/provide.ts';
import { systemClock } from '../../../src/clock.ts';
import { dockerError } from '../../../src/docker/classify-error.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { redactor } from '../../../src/secrets/redact.ts';
import { agent, fakeClient, fakeClock, never, noNetworks } from '../_helpers/actor-ports.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';
import { decision } from '../machines/scenarios/story.ts';

test('a running agent that is restored from JSON is watched again, and its activity is reported', async t => {
  // Idle for the first watcher, working for the next one.
  fakeDocker(t, 'mkdir "$here/seen" 2>/dev/null && echo idle || echo working; exec sleep 30');
  const actorContext = {
    clock: systemClock,
    recorder: nullRecorder,
    vault: { redactor: redactor([]) },
    plan: () => ({ interactive: {}, timeouts: { run: null } }),
    networks: noNetworks,
    watcher: {
      ended: (_: string, signal: AbortSignal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    },
  } as unknown as ActorContext;
  const reconciled = fromPromise<Reconciliation, StepInput>(async () =>
    decision('running', { containerId: 'c1', started: true, injectedAt: 1 }),
  );
  const machine = provideActors({ contextOf: () => actorContext, clock: systemClock }).provide({
    actors: { reconcile: reconciled },
  });
  const input = { name: 'a', dependsOn: [], retries: 0, keep: 'never' } as const;

  const first = createActor(machine, { input }).start();
  t.teardown(() => first.stop());
  await waitFor(first, ({ value }) => JSON.stringify(value) === '{"running":"idle"}', { timeout: 20_000 });
  const persisted = JSON.parse(JSON.stringify(first.getPersistedSnapshot()));
  first.stop();

  const second = createActor(machine, { input, snapshot: persisted }).start();
  t.teardown(() => second.stop());
  t.deepEqual(second.getSnapshot().value, { running: 'idle' });
  await waitFor(second, ({ value }) => JSON.stringify(value) === '{"running":"working"}', {
    timeout: 20_000,
  });
  t.is(second.getSnapshot().context.outcome, null);
});

test('a DockerError becomes a StepError, whose backoff starts at the time of the failure', async t => {
  const now = 1_000_000;
  const stderr = 'Error response from daemon: context deadline exceeded';
  const result = { args: ['ps'], ok: false, exitCode: 1, stdout: '', stderr, interrupted: null };
  const actorContext = {
    clock: {
      now: () => now,
      sleep: (_: number, signal: AbortSignal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    },
    reconcile: async () => {
      throw dockerError(result);
    },
  } as unknown as ActorContext;
  const input = { name: 'a', dependsOn: [], retries: 0, keep: 'never' } as const;
  const actor = createActor(provideActors({ contextOf: () => actorContext, clock: actorContext.clock }), {
    input,
  }).start();
  t.teardown(() => actor.stop());
  const { context } = await waitFor(actor, snapshot => snapshot.context.tries > 0, { timeout: 5_000 });
  t.like(context, { pendingStep: 'reconciling', tries: 1, inDoubt: true });
  t.true(context.waitEndsAt > now && context.waitEndsAt <= now + 5_000);
});

test('the lease of an agent is known from when its session is ready, before it starts', async t => {
  const actorContext = {
    clock: { ...systemClock, elapsed: () => 7 },
    plan: () => agent({ onHostLost: 'retry', hostGrace: 600_000 }),
    docker: fakeClient().docker,
    deadlineSignal: () => never,
  } as unknown as ActorContext;
  const leases = agentLeases();
  const reconciled = fromPromise<Reconciliation, StepInput>(async () =>
    decision('waitingForTmux', { containerId: 'c1' }),
  );
  const inject = fromPromise<{ injectedAt: number }, StepInput>(() => new Promise(() => {}));
  const ports = { contextOf: () => actorContext, clock: systemClock };
  const machine = provideActors(ports, { reconcile: reconciled, inject }, leases);
  const input = { name: 'a', dependsOn: [], retries: 0, keep: 'never' } as const;
  const actor = createActor(machine, { input }).start();
  t.teardown(() => actor.stop());
  await waitFor(actor, ({ value }) => value === 'injecting', { timeout: 20_000 });
  t.is(leases.leaseEndsAt({ containerId: 'c1' } as StepInput), 600_007);
});

/** An agent whose attempt is to be placed by this scheduler. */
function scheduled(place: SchedulerPort['place'], released: object[] = []) {
  const { clock } = fakeClock();
  const scheduler: SchedulerPort = { place, release: async scope => void released.push(scope) };
  const contextOf = () => Promise.reject(new StepError('image', 'no image is made here'));
  const machine = provideActors({ contextOf, clock, scheduler }).provide({
    actors: { reconcile: fromPromise<Reconciliation, StepInput>(async () => decision('placing')) },
  });
  const input = { name: 'a', dependsOn: [], retries: 0, keep: 'never', isScheduled: true } as const;
  return createActor(machine, { input });
}

test('a scheduler places an attempt, reports why it waits, and releases its room at the end', async t => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const placed: object[] = [];
  const released: object[] = [];
  const actor = scheduled((scope, _, report) => {
    placed.push(scope);
    report('no node has room');
    return promise;
  }, released);
  actor.start();
  await waitFor(actor, ({ value }) => JSON.stringify(value) === '{"placing":"pending"}', { timeout: 20_000 });
  t.deepEqual(released, []);
  resolve();
  const { output } = await waitFor(actor, ({ status }) => status === 'done', { timeout: 20_000 });
  t.like(output, { status: 'failed', error: { phase: 'building', kind: 'image' } });
  t.deepEqual([placed, released], [[{ agent: 'a', attempt: 1 }], [{ agent: 'a', attempt: 1 }]]);
});

test('an attempt that cannot be placed fails, and one that is cancelled aborts its placing', async t => {
  const failed = scheduled(() => Promise.reject(new StepError('nameConflict', 'its name is taken'))).start();
  const { output } = await waitFor(failed, ({ status }) => status === 'done', { timeout: 20_000 });
  t.like(output, { error: { phase: 'placing', kind: 'nameConflict', message: 'its name is taken' } });

  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const stopped = scheduled((_, signal, report) => {
    signal.addEventListener('abort', () => resolve());
    report('no node has room');
    return new Promise(() => {});
  }).start();
  await waitFor(stopped, ({ value }) => JSON.stringify(value) === '{"placing":"pending"}', {
    timeout: 20_000,
  });
  stopped.send({ type: 'CANCEL', reason: 'enough' });
  await aborted;
  t.like((await waitFor(stopped, ({ status }) => status === 'done', { timeout: 20_000 })).output, {
    status: 'cancelled',
  });
});
