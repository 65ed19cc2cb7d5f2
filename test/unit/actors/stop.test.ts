import test from 'ava';
import { interrupt, killContainer, stopContainer, terminate } from '../../../src/actors/stop.ts';
import { agent, end, fakeClient, fakeWatcher, id, input, never } from '../_helpers/actor-ports.ts';

const plan = () => agent({ timeouts: { ...agent().timeouts, stop: 20 } });

for (const [name, step, command] of [
  ['interrupt', interrupt, `exec ${id} tmux send-keys -t =agent: C-c`],
  ['terminate', terminate, `kill --signal=TERM ${id}`],
  ['stop', stopContainer, `stop --time=1 ${id}`],
  ['kill', killContainer, `kill ${id}`],
] as const) {
  test(`${name} runs one command and returns the end of the container`, async t => {
    const { docker, calls } = fakeClient();
    const { watcher } = fakeWatcher(end);
    t.deepEqual(await step({ docker, watcher, plan }, input, never), end);
    t.deepEqual(calls, [command]);
  });

  test(`${name} does not wait for a hanging command if the end is known`, async t => {
    const docker = () => new Promise<never>(() => {});
    const { watcher } = fakeWatcher(end);
    t.deepEqual(await step({ docker, watcher, plan }, input, never), end);
  });

  test(`${name} returns null if the container does not end in time, whatever docker reports`, async t => {
    const { docker } = fakeClient(() => ({ stderr: 'Error response from daemon: cannot kill container' }));
    const { watcher } = fakeWatcher(null);
    t.is(await step({ docker, watcher, plan }, input, never), null);
  });
}

test('an interrupt has the grace period of the spec, and at most a second for a cancelled agent', async t => {
  const timeouts: (number | undefined)[] = [];
  const { docker } = fakeClient((_, { timeout }) => void timeouts.push(timeout));
  const { watcher } = fakeWatcher(end);
  const longPlan = () => agent({ timeouts: { ...agent().timeouts, stop: 60_000 } });
  await interrupt({ docker, watcher, plan: longPlan }, input, never);
  await interrupt({ docker, watcher, plan: longPlan }, { ...input, cancelled: true }, never);
  t.deepEqual(timeouts, [61_500, 2_500]);
});
