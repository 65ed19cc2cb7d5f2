import test from 'ava';
import { kimi } from '../../../../src/providers/kimi.ts';
import { now, reported } from '../../_helpers/reported.ts';

const retrying = (status_code: number, delay_ms: number) => ({
  role: 'meta',
  type: 'turn.step.retrying',
  status_code,
  delay_ms,
  error_message: `${status_code} Please wait.`,
});

test('messages and tools of kimi are shown, and it reports no usage', t => {
  const command = JSON.stringify({ command: 'ls' });
  const { exit, printed, report } = reported(kimi, [
    { role: 'meta', type: 'system.version', version: '2.1.0' },
    { role: 'assistant', content: 'Well.', tool_calls: [{ function: { name: 'Bash', arguments: command } }] },
    { role: 'tool', tool_call_id: '1', content: 'a\n' },
    { role: 'assistant', tool_calls: [{ function: { name: 'Odd', arguments: '{' } }] },
    { role: 'assistant', content: [{ type: 'text', text: 'Done.' }] },
    { role: 'meta', type: 'session.resume_hint' },
  ]);
  t.deepEqual(exit, { code: 0 });
  t.is(printed, 'Well.\n● Bash ls\n  ⎿ a\n● Odd {}\nDone.\n');
  t.is(report, null);
});

test('kimi reports a refused key in words', t => {
  const words = 'error: failed to run prompt: provider.auth_error: 401 Incorrect API key provided.';
  const { report } = reported(kimi, [words, 'See log: …'], { exit: { code: 1 } });
  t.like(report?.failure, { kind: 'authentication', message: words });
});

test('kimi is ended if it would wait long for its quota, or retry with a refused key', t => {
  const long = reported(kimi, [retrying(429, 301_000)]);
  t.deepEqual([long.ended, long.exit], [1, { code: 1 }]);
  t.like(long.report?.failure, { kind: 'quota', resetsAt: now + 301_000 });
  const short = reported(kimi, [retrying(429, 2000), retrying(502, 400_000)]);
  t.deepEqual([short.ended, short.exit], [0, { code: 0 }]);
  t.is(short.printed, '! 429 Please wait.: tries again in 2 s\n! 502 Please wait.: tries again in 400 s\n');
  t.is(reported(kimi, [retrying(401, 2000)]).report?.failure?.kind, 'authentication');
});
