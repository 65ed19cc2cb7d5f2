import test from 'ava';
import { createActor, fromPromise, waitFor } from 'xstate';
import type { Decision, StepInput } from '../../../machines/agent-types.ts';
import { agentIn } from '../../../src/actors/provide.ts';
import type { World } from '../../../src/actors/world.ts';
import { unrecorded } from '../../../src/docker/recorder.ts';
import { systemClock } from '../../../src/engine/clock.ts';
import { redactor } from '../../../src/engine/redact.ts';
import { fakeDocker } from '../docker/fake-docker.ts';
import { decision } from '../machines/scenarios/story.ts';

test('a running agent that is restored from JSON is watched again, and what is seen of it is reported', async t => {
  // Quiet for the first who looks, at work for the next.
  fakeDocker(t, 'mkdir "$here/seen" 2>/dev/null && echo quiet || echo working; exec sleep 30');
  const world = {
    clock: systemClock,
    recorder: unrecorded,
    vault: { redactor: redactor([]) },
    plan: () => ({ attended: {}, timeouts: { run: null } }),
    watcher: {
      ended: (_: string, signal: AbortSignal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    },
  } as unknown as World;
  const decide = fromPromise<Decision, StepInput>(async () =>
    decision('running', { containerId: 'c1', started: true, injectedAt: 1 }),
  );
  const machine = agentIn(world).provide({ actors: { decide } });
  const input = { name: 'a', dependsOn: [], retries: 0, keep: 'never' } as const;

  const first = createActor(machine, { input }).start();
  t.teardown(() => first.stop());
  await waitFor(first, ({ value }) => JSON.stringify(value) === '{"running":"quiet"}', { timeout: 20_000 });
  const persisted = JSON.parse(JSON.stringify(first.getPersistedSnapshot()));
  first.stop();

  const second = createActor(machine, { input, snapshot: persisted }).start();
  t.teardown(() => second.stop());
  t.deepEqual(second.getSnapshot().value, { running: 'quiet' });
  await waitFor(second, ({ value }) => JSON.stringify(value) === '{"running":"working"}', {
    timeout: 20_000,
  });
  t.is(second.getSnapshot().context.outcome, null);
});
