import test from 'ava';
import { recorder } from '../../../src/docker/recorder.ts';
import type { FlowEventBody } from '../../../src/events.ts';

test('the key to sealed secrets is not journaled beside them, and every other word is', async t => {
  const events: FlowEventBody[] = [];
  const { call } = recorder({ append: async event => void events.push(event) }, () => 0);
  const key = 'ab'.repeat(32);
  await call(
    ['create', `--label=tmux-agents.seal=${key}`, `--label=other=${key}`, '--', 'image'],
    null,
    true,
  );
  const [event] = events;
  t.deepEqual(event?.type === 'docker.call' && event.argv, [
    'docker',
    'create',
    '--label=tmux-agents.seal=[secret]',
    `--label=other=${key}`,
    '--',
    'image',
  ]);
});

test('what docker says is redacted, and the data that it prints is not', async t => {
  const events: FlowEventBody[] = [];
  const redact = (text: string) => text.replaceAll('running', '[secret]');
  const { call } = recorder({ append: async event => void events.push(event) }, () => 0, 0, redact);
  const answer = {
    ok: false,
    exitCode: 1,
    cutOff: null,
    stdout: '{"Status":"running"}',
    stderr: 'not running',
  };
  const { end } = await call(['inspect'], null, false);
  t.deepEqual(end(answer), { ...answer, stderr: 'not [secret]' });
  t.like(events[1], { type: 'docker.result', stderr: 'not [secret]' });
});
