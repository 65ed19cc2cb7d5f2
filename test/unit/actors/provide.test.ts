import test from 'ava';
import { createActor, fromPromise, waitFor } from 'xstate';
import type { Reconciliation, StepInput } from '../../../machines/agent-types.ts';
import type { ActorContext } from '../../../src/actors/context.ts';
import { provideActors } from '../../../src/actors/provide.ts';
import { systemClock } from '../../../src/clock.ts';
import { dockerError } from '../../../src/docker/classify-error.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { redactor } from '../../../src/secrets/redact.ts';
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
    watcher: {
      ended: (_: string, signal: AbortSignal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    },
  } as unknown as ActorContext;
  const reconciled = fromPromise<Reconciliation, StepInput>(async () =>
    decision('running', { containerId: 'c1', started: true, injectedAt: 1 }),
  );
  const machine = provideActors(actorContext).provide({ actors: { reconcile: reconciled } });
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
  const actor = createActor(provideActors(actorContext), { input }).start();
  t.teardown(() => actor.stop());
  const { context } = await waitFor(actor, snapshot => snapshot.context.tries > 0, { timeout: 5_000 });
  t.like(context, { pendingStep: 'reconciling', tries: 1, inDoubt: true });
  t.true(context.waitEndsAt > now && context.waitEndsAt <= now + 5_000);
});
