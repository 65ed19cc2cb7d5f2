import test from 'ava';
import { moodIn } from '../../../src/actors/mood.ts';
import { redactor } from '../../../src/engine/redact.ts';

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
