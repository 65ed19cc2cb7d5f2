import test from 'ava';
import { createActor, fromPromise } from 'xstate';
import { agentMachine } from '../../../machines/agent.ts';
import { backOffDelay, maxTries, retryDelay } from '../../../machines/agent-delays.ts';
import type { StepInput } from '../../../machines/agent-types.ts';
import type { End } from '../../../machines/outcome.ts';
import { StepError } from '../../../machines/step-error.ts';
import { scenarios } from './scenarios/index.ts';
import { decision } from './scenarios/story.ts';
import { walk } from './walk.ts';

for (const { title, run } of scenarios) test(title, t => void t.notThrows(() => run(agentMachine)));

test('no two scenarios have the same title', t => {
  t.is(new Set(scenarios.map(({ title }) => title)).size, scenarios.length);
});

test('a step waits 0.1 s, twice as long each time, and never more than 5 s', t => {
  t.deepEqual(
    Array.from({ length: maxTries }, (_, index) => backOffDelay(index + 1)),
    [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000],
  );
});

test('an attempt waits 1 s, twice as long each time, and never more than 30 s', t => {
  t.deepEqual([1, 2, 3, 4, 5, 6, 7].map(retryDelay), [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

test('an error keeps the command and the exit code that docker gave it', t => {
  const agent = walk(agentMachine).at('reconciling').resolves(decision('building')).at('building');
  agent.fails('image', { command: 'docker build', exitCode: 17 });
  t.deepEqual(agent.snapshot.output?.error, {
    phase: 'building',
    kind: 'image',
    message: 'it is image',
    command: 'docker build',
    exitCode: 17,
  });
});

for (const late of ['answer', 'failure'] as const)
  test(`the late ${late} of an actor that was cancelled is ignored`, async t => {
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
    actor.send({ type: 'CANCEL', reason: 'asked to' });
    await ended;
    const before = actor.getSnapshot();
    if (late === 'answer') building.resolve({ image: 'late' });
    else building.reject(new StepError('docker', 'late', { at: 1 }));
    await new Promise(resolve => setImmediate(resolve));
    t.is(actor.getSnapshot(), before);
    t.like(before.output, { status: 'cancelled', image: null });
    t.deepEqual(aborted, [true]);
  });

test('the late result of a step does not affect the escalation that has begun again', async t => {
  const rungs: PromiseWithResolvers<End | null>[] = [];
  const actor = createActor(
    agentMachine.provide({
      actors: {
        reconcile: fromPromise(async () =>
          decision('stopping', { containerId: 'container-1', started: true }),
        ),
        interrupt: fromPromise(() => {
          rungs.push(Promise.withResolvers());
          return rungs.at(-1)!.promise;
        }),
        terminate: fromPromise<End | null, StepInput>(() => new Promise(() => {})),
      },
    }),
    { input: { name: 'fixer', dependsOn: [], retries: 1, keep: 'never' } },
  );
  const settled = () => new Promise(resolve => setImmediate(resolve));
  actor.start();
  await settled();
  actor.send({ type: 'CANCEL', reason: 'asked to' });
  t.is(rungs.length, 2);
  rungs[0]!.resolve(null);
  await settled();
  t.true(actor.getSnapshot().matches({ stopping: 'interrupting' }));
  rungs[1]!.resolve(null);
  await settled();
  t.true(actor.getSnapshot().matches({ stopping: 'terminating' }));
  actor.stop();
});
