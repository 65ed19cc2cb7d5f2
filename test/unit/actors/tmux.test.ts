import test from 'ava';
import { waitForTmux } from '../../../src/actors/tmux.ts';
import { agent, end, fakeClient, fakeWatcher, id, input, never, rejection } from '../_helpers/actor-ports.ts';

const plan = () => agent({ timeouts: { ...agent().timeouts, ready: 2_500 } });
const notRunning = { stderr: `Error response from daemon: container ${id} is not running` };

test('agent-ready waits in the container, with the timeout of the spec in whole seconds', async t => {
  const { docker, calls } = fakeClient();
  const { watcher } = fakeWatcher(null);
  t.is(await waitForTmux({ docker, watcher, plan }, input, never), null);
  t.deepEqual(calls, [`exec ${id} agent-ready 3`]);
});

test('the end of a container that has ended meanwhile is returned, not a failure', async t => {
  const { docker } = fakeClient(() => notRunning);
  const { watcher } = fakeWatcher(end);
  t.deepEqual(await waitForTmux({ docker, watcher, plan }, input, never), end);
});

test('a container that has ended without a known end is a transient failure', async t => {
  const { docker } = fakeClient(() => notRunning);
  const { watcher } = fakeWatcher(null);
  t.is((await rejection(waitForTmux({ docker, watcher, plan }, input, never))).kind, 'transient');
});

test('a command that timed out is a timeout, and the end is not looked up', async t => {
  const { docker } = fakeClient(() => ({ ok: false, exitCode: null, interrupted: 'timeout' }));
  const { watcher } = fakeWatcher(end);
  const error = await rejection(waitForTmux({ docker, watcher, plan }, input, never));
  t.is(error.kind, 'timeout');
  t.regex(error.message, /could not reach the tmux session: docker did not respond in time/);
});
