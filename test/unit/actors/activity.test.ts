import test, { type ExecutionContext } from 'ava';
import type { Activity, StepInput } from '../../../machines/agent-types.ts';
import { followActivity, latest, parseActivity } from '../../../src/actors/activity.ts';
import type { ActorContext } from '../../../src/actors/context.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { redactor } from '../../../src/secrets/redact.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';

/** Follow a docker that is this script until `sleep` has been asked for `looks` times to wait for another look. */
async function follow(t: ExecutionContext, script: string, looks = 1) {
  fakeDocker(t, script);
  const stop = new AbortController();
  const moods: Activity[] = [];
  const warnings: object[] = [];
  const world = {
    clock: {
      now: () => 0,
      async sleep(ms: number, signal: AbortSignal) {
        // Between two looks; the other sleeps are those of what is told at most once a second, and of what goes on.
        if (signal === stop.signal && ms !== 1_000) {
          if (--looks <= 0) stop.abort();
        } else
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
    },
    recorder: nullRecorder,
    vault: { redactor: redactor([]) },
    plan: () => ({ interactive: {} }),
    emit: async (event: object) => void warnings.push(event),
  } as unknown as ActorContext;
  const input = { name: 'a', attempt: 1, containerId: 'c' } as unknown as StepInput;
  const ended = followActivity(world, input, stop.signal, mood => moods.push(mood));
  return { moods, warnings, ended };
}

test('of many moods in a second the first is told, and then the last', async t => {
  const told: string[] = [];
  const seconds: PromiseWithResolvers<void>[] = [];
  const sleep = () => {
    seconds.push(Promise.withResolvers());
    return seconds.at(-1)!.promise;
  };
  const second = async () => {
    seconds.at(-1)!.resolve();
    await new Promise(resolve => setImmediate(resolve));
  };
  const stop = new AbortController();
  const mood = (reason: string) => ({ type: 'NEEDS_INPUT', reason }) as const;
  const tell = latest({ sleep }, stop.signal, mood => told.push('reason' in mood ? mood.reason : mood.type));
  for (let count = 0; count < 1_000; count++) tell(mood(`${count}`));
  t.deepEqual(told, ['0']);
  await second();
  t.deepEqual(told, ['0', '999']);
  tell(mood('within the next second'));
  t.is(told.length, 2);
  await second();
  await second();
  t.deepEqual(told.slice(2), ['within the next second']);
  tell(mood('after a calm second'));
  t.is(told.at(-1), 'after a calm second');
  tell(mood('too late'));
  stop.abort();
  await second();
  t.is(told.at(-1), 'after a calm second');
});

test.serial(
  'an agent that writes moods without end is looked up now and then, and that is said once',
  async t => {
    const { moods, warnings, ended } = await follow(t, 'exec yes working', 3);
    await ended;
    t.deepEqual(moods, [{ type: 'OUTPUT' }]);
    t.is(warnings.length, 1);
    t.regex(JSON.stringify(warnings), /"agent":"a".*writes more to \/run\/agent\/activity than is read/);
  },
);

test.serial('a mood on a line that was cut is not told: a secret may lie across the cut', async t => {
  const script = `printf 'needsInput '; head -c 8000 /dev/zero | tr '\\0' x; echo; echo idle`;
  const { moods, ended } = await follow(t, script);
  await ended;
  t.deepEqual(moods, [{ type: 'IDLE' }]);
});

test('what is seen of an agent is one word, and why it needs somebody', t => {
  t.deepEqual(parseActivity('working'), { type: 'OUTPUT' });
  t.deepEqual(parseActivity('idle'), { type: 'IDLE' });
  t.deepEqual(parseActivity('needsInput asks for a login'), {
    type: 'NEEDS_INPUT',
    reason: 'asks for a login',
  });
  for (const line of ['', 'CANCEL', 'workings', '{}']) t.is(parseActivity(line), null, line);
  const long = parseActivity(`needsInput ${'x'.repeat(9_999)}`);
  t.is(long?.type === 'NEEDS_INPUT' && long.reason.length, 400);
});

test('the reason of an agent that needs input is one line without control characters', t => {
  t.deepEqual(parseActivity('needsInput \x1b[2Jasks \u202efor\x07 a\x9b31m \rlogin'), {
    type: 'NEEDS_INPUT',
    reason: 'login',
  });
  t.deepEqual(parseActivity('needsInput \x1b[2Jasks \u202efor\x07 a\x9b31m login\x7f'), {
    type: 'NEEDS_INPUT',
    reason: 'asks for a login',
  });
});

test('a secret at the end of what is kept of a reason is redacted before that is cut', t => {
  const line = `needsInput ${'x'.repeat(390)}canary-1234567890`;
  const { text } = redactor(['canary-1234567890']);
  t.deepEqual(parseActivity(line, text), { type: 'NEEDS_INPUT', reason: `${'x'.repeat(390)}[secret]` });
  // A positive control.
  t.regex(JSON.stringify(parseActivity(line)), /canary-123/);
});
