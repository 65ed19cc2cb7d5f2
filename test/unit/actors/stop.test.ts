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
  test(`${name}: one command, and the end of the container`, async t => {
    const { docker, calls } = fakeClient();
    const { watcher } = fakeWatcher(end);
    t.deepEqual(await step({ docker, watcher, plan }, input, never), end);
    t.deepEqual(calls, [command]);
  });

  test(`${name}: a command that hangs does not delay an end that is known`, async t => {
    const docker = () => new Promise<never>(() => {});
    const { watcher } = fakeWatcher(end);
    t.deepEqual(await step({ docker, watcher, plan }, input, never), end);
  });

  test(`${name}: null where the container does not end in time, whatever docker reports`, async t => {
    const { docker } = fakeClient(() => ({ stderr: 'Error response from daemon: cannot kill container' }));
    const { watcher } = fakeWatcher(null);
    t.is(await step({ docker, watcher, plan }, input, never), null);
  });
}

test('an interrupt has the time of the spec, and of a cancelled agent no more than a second', async t => {
  const timeouts: (number | undefined)[] = [];
  const { docker } = fakeClient((_, { timeout }) => void timeouts.push(timeout));
  const { watcher } = fakeWatcher(end);
  const patient = () => agent({ timeouts: { ...agent().timeouts, stop: 60_000 } });
  await interrupt({ docker, watcher, plan: patient }, input, never);
  await interrupt({ docker, watcher, plan: patient }, { ...input, cancelled: true }, never);
  t.deepEqual(timeouts, [61_500, 2_500]);
});
