import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import test from 'ava';
import type { WatchInput } from '../../../machines/agent-types.ts';
import { followMood, moodIn } from '../../../src/actors/mood.ts';
import type { World } from '../../../src/actors/world.ts';
import { recorder } from '../../../src/docker/recorder.ts';
import { redactor } from '../../../src/engine/redact.ts';
import type { FlowEventBody } from '../../../src/events.ts';

test('what is seen of an agent is one word, and why it needs somebody', t => {
  t.deepEqual(moodIn('working'), { type: 'OUTPUT' });
  t.deepEqual(moodIn('quiet'), { type: 'QUIET' });
  t.deepEqual(moodIn('needsInput asks for a login'), { type: 'NEEDS_INPUT', reason: 'asks for a login' });
  for (const line of ['', 'CANCEL', 'workings', '{}']) t.is(moodIn(line), null, line);
  const long = moodIn(`needsInput ${'x'.repeat(9_999)}`);
  t.is(long?.type === 'NEEDS_INPUT' && long.reason.length, 400);
});

test('the reason of an agent that needs input is one line without control characters', t => {
  t.deepEqual(moodIn('needsInput \x1b[2Jasks \u202efor\x07 a\x9b31m \rlogin'), {
    type: 'NEEDS_INPUT',
    reason: 'login',
  });
  t.deepEqual(moodIn('needsInput \x1b[2Jasks \u202efor\x07 a\x9b31m login\x7f'), {
    type: 'NEEDS_INPUT',
    reason: 'asks for a login',
  });
});

test('a secret at the end of what is kept of a reason is redacted before that is cut', t => {
  const line = `needsInput ${'x'.repeat(390)}canary-1234567890`;
  const { text } = redactor(['canary-1234567890']);
  t.deepEqual(moodIn(line, text), { type: 'NEEDS_INPUT', reason: `${'x'.repeat(390)}[secret]` });
  // A positive control.
  t.regex(JSON.stringify(moodIn(line)), /canary-123/);
});

test.serial('an agent that cannot be followed is asked for again and again, and journaled once', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-mood-'));
  const calls = join(folder, 'calls');
  const script = `#!/bin/sh\necho x >>'${calls}'\necho 'Cannot connect' >&2\nexit 1\n`;
  writeFileSync(join(folder, 'docker'), script, { mode: 0o755 });
  const path = process.env.PATH;
  process.env.PATH = `${folder}${delimiter}${path}`;
  const stop = new AbortController();
  const events: FlowEventBody[] = [];
  let pauses = 0;
  const world = {
    clock: {
      now: () => 0,
      async sleep(_: number, signal: AbortSignal) {
        // Between two tries; the other sleep is that of one that goes on.
        if (signal === stop.signal && ++pauses === 5) stop.abort();
        if (signal !== stop.signal)
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
    },
    recorder: recorder({ append: async event => void events.push(event) }, () => 0),
    vault: { redactor: redactor([]) },
    plan: () => ({ attended: {} }),
  } as unknown as World;
  try {
    const input = { name: 'a', attempt: 1, containerId: 'c1', tell: () => {} } as unknown as WatchInput;
    await followMood(world, input, stop.signal);
    t.is(readFileSync(calls, 'utf8'), 'x\n'.repeat(5));
  } finally {
    process.env.PATH = path;
    rmSync(folder, { recursive: true });
  }
  t.deepEqual(
    events.map(({ type }) => type),
    ['docker.call', 'docker.result'],
  );
});
