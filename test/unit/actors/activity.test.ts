import test, { type ExecutionContext } from 'ava';
import type { Activity, StepInput } from '../../../machines/agent-types.ts';
import { followActivity, latest, parseActivity } from '../../../src/actors/activity.ts';
import type { ActorContext } from '../../../src/actors/context.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { redactor } from '../../../src/secrets/redact.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';

/** Follow a docker with this script, and abort at the pause after `polls` polls. */
async function follow(t: ExecutionContext, script: string, polls = 1) {
  fakeDocker(t, script);
  const stop = new AbortController();
  const activities: Activity[] = [];
  const warnings: object[] = [];
  const context = {
    clock: {
      now: () => 0,
      async sleep(ms: number, signal: AbortSignal) {
        // Pause between two polls; other sleeps limit reports to one per second, or last until their abort.
        if (signal === stop.signal && ms !== 1_000) {
          if (--polls <= 0) stop.abort();
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
  const ended = followActivity(context, input, stop.signal, activity => activities.push(activity));
  return { activities, warnings, ended };
}

test('the first of many activities within a second is reported at once, and the last after it', async t => {
  const reported: string[] = [];
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
  const activity = (reason: string) => ({ type: 'NEEDS_INPUT', reason }) as const;
  const report = latest({ sleep }, stop.signal, activity =>
    reported.push('reason' in activity ? activity.reason : activity.type),
  );
  for (let count = 0; count < 1_000; count++) report(activity(`${count}`));
  t.deepEqual(reported, ['0']);
  await second();
  t.deepEqual(reported, ['0', '999']);
  report(activity('within the next second'));
  t.is(reported.length, 2);
  await second();
  await second();
  t.deepEqual(reported.slice(2), ['within the next second']);
  report(activity('after an idle second'));
  t.is(reported.at(-1), 'after an idle second');
  report(activity('too late'));
  stop.abort();
  await second();
  t.is(reported.at(-1), 'after an idle second');
});

test.serial(
  'an agent that writes activities without end is polled with pauses, and one warning is emitted',
  async t => {
    const { activities, warnings, ended } = await follow(t, 'exec yes working', 3);
    await ended;
    t.deepEqual(activities, [{ type: 'OUTPUT' }]);
    t.is(warnings.length, 1);
    t.regex(JSON.stringify(warnings), /"agent":"a".*writes more to \/run\/agent\/activity than is read/);
  },
);

test.serial(
  'an activity on a truncated line is not reported, since a secret may lie across the cut',
  async t => {
    const script = `printf 'needsInput '; head -c 8000 /dev/zero | tr '\\0' x; echo; echo idle`;
    const { activities, ended } = await follow(t, script);
    await ended;
    t.deepEqual(activities, [{ type: 'IDLE' }]);
  },
);

test('an activity is one word, with a reason if it needs input', t => {
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

test('a secret at the end of a reason is redacted before the reason is truncated', t => {
  const line = `needsInput ${'x'.repeat(390)}canary-1234567890`;
  const { text } = redactor(['canary-1234567890']);
  t.deepEqual(parseActivity(line, text), { type: 'NEEDS_INPUT', reason: `${'x'.repeat(390)}[secret]` });
  // A positive control.
  t.regex(JSON.stringify(parseActivity(line)), /canary-123/);
});
