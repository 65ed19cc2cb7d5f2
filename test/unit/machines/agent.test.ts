import test from 'ava';
import { createActor, fromPromise } from 'xstate';
import { agentMachine } from '../../../machines/agent.ts';
import { attemptDelay, backOffDelay, maxTries } from '../../../machines/agent-delays.ts';
import type { StepInput } from '../../../machines/agent-types.ts';
import type { End } from '../../../machines/outcome.ts';
import { StepError } from '../../../machines/step-error.ts';
import { scenarios } from './scenarios/index.ts';
import { decision } from './scenarios/story.ts';
import { walk } from './walk.ts';

for (const { title, run } of scenarios) test(title, t => void t.notThrows(() => run(agentMachine)));

test('titles of scenarios are unique', t => {
  t.is(new Set(scenarios.map(({ title }) => title)).size, scenarios.length);
});

test('the backoff of a step starts at 0.1 s and doubles up to 5 s', t => {
  t.deepEqual(
    Array.from({ length: maxTries }, (_, index) => backOffDelay(index + 1)),
    [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000],
  );
});

test('the delay between attempts starts at 1 s and doubles up to 30 s', t => {
  t.deepEqual([1, 2, 3, 4, 5, 6, 7].map(attemptDelay), [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

test('an error keeps the command and the exit code of its docker call', t => {
  const agent = walk(agentMachine).at('reconciling').resolves(decision('building')).at('building');
  agent.fails('image', { command: 'docker build', exitCode: 17 });
  t.deepEqual(agent.snapshot.output?.error, {
    phase: 'building',
    kind: 'image',
    message: 'image failure',
    command: 'docker build',
    exitCode: 17,
  });
});

for (const late of ['result', 'failure'] as const)
  test(`the late ${late} of a cancelled actor is ignored`, async t => {
    const building = Promise.withResolvers<{ image: string }>();
    const aborted: boolean[] = [];
    const actor = createActor(
      agentMachine.provide({
        actors: {
          reconcile: fromPromise(async () => decision('building')),
          ensureImage: fromPromise(async ({ signal }) => {
            signal.addEventListener('abort', () => aborted.push(true));
            return building.promise;
          }),
          removeContainer: fromPromise(async () => {}),
        },
      }),
      { input: { name: 'fixer', dependsOn: [], retries: 1, keep: 'never' } },
    );
    const ended = new Promise<void>((complete, error) => actor.subscribe({ complete, error }));
    actor.start();
    while (!actor.getSnapshot().matches('building')) await Promise.resolve();
    actor.send({ type: 'CANCEL', reason: 'requested' });
    await ended;
    const before = actor.getSnapshot();
    if (late === 'result') building.resolve({ image: 'late' });
    else building.reject(new StepError('docker', 'late', { at: 1 }));
    await new Promise(resolve => setImmediate(resolve));
    t.is(actor.getSnapshot(), before);
    t.like(before.output, { status: 'cancelled', image: null });
    t.deepEqual(aborted, [true]);
  });

test('the late result of a step does not affect a restarted escalation', async t => {
  const calls: PromiseWithResolvers<End | null>[] = [];
  const actor = createActor(
    agentMachine.provide({
      actors: {
        reconcile: fromPromise(async () =>
          decision('stopping', { containerId: 'container-1', started: true }),
        ),
        interrupt: fromPromise(() => {
          calls.push(Promise.withResolvers());
          return calls.at(-1)!.promise;
        }),
        terminate: fromPromise<End | null, StepInput>(() => new Promise(() => {})),
      },
    }),
    { input: { name: 'fixer', dependsOn: [], retries: 1, keep: 'never' } },
  );
  const settled = () => new Promise(resolve => setImmediate(resolve));
  actor.start();
  await settled();
  actor.send({ type: 'CANCEL', reason: 'requested' });
  t.is(calls.length, 2);
  calls[0]!.resolve(null);
  await settled();
  t.true(actor.getSnapshot().matches({ stopping: 'interrupting' }));
  calls[1]!.resolve(null);
  await settled();
  t.true(actor.getSnapshot().matches({ stopping: 'terminating' }));
  actor.stop();
});
