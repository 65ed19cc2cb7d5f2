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
