import test from 'ava';
import type { Injections, InjectPorts } from '../../../src/actors/inject.ts';
import { waitForSession, waitForTmux } from '../../../src/actors/tmux.ts';
import type { DockerOptions } from '../../../src/docker/cli.ts';
import {
  agent,
  end,
  fakeClient,
  fakeClock,
  fakeWatcher,
  id,
  input,
  never,
  noNetworks,
  rejection,
} from '../_helpers/actor-ports.ts';

const plan = () => agent({ timeouts: { ...agent().timeouts, ready: 2_500 } });
const notRunning = { stderr: `Error response from daemon: container ${id} is not running` };
const timedOut = { ok: false, exitCode: null, interrupted: 'timeout' } as const;

/** The ports of an agent without secrets, whose container ends with `result`, or never. */
function portsOf(
  docker: InjectPorts['docker'],
  result: typeof end | null,
  { exists = true }: { readonly exists?: boolean } = {},
) {
  return {
    docker,
    plan,
    launchedPlan: plan,
    ...fakeClock(),
    ...fakeWatcher(result),
    vault: { open: () => ({ values: {} }) },
    seals: { seal: async () => exists },
    shareOfBudget: async () => null,
    networks: noNetworks,
  } as unknown as InjectPorts;
}

test('the command that waits starts the agent, and is left to the next state', async t => {
  const { docker, calls } = fakeClient(() => ({ stdout: 'started\n' }));
  const injections: Injections = new Map();
  t.is(await waitForTmux(portsOf(docker, null), injections, input, never), null);
  t.is(calls.length, 1);
  t.regex(calls[0]!, new RegExp(`^exec --interactive ${id} agent-inject 1 [0-9a-f]{64} 3$`));
  t.deepEqual([...injections.keys()], [id]);
});

test('the session is ready as soon as the running command reports it', async t => {
  const options: DockerOptions[] = [];
  const unended = new Promise<never>(() => {});
  const docker: InjectPorts['docker'] = (_, given = {}) => {
    options.push(given);
    return unended;
  };
  const injections: Injections = new Map();
  const waiting = waitForTmux(portsOf(docker, null), injections, input, never);
  await new Promise(setImmediate);
  options[0]!.onStdout!('rea');
  t.is(injections.size, 0);
  options[0]!.onStdout!('dy\n');
  t.is(await waiting, null);
  t.is(injections.get(id)!.injectedAt, 7);
});

test('an abort cuts off the command, also after it was left to the next state', async t => {
  const given: DockerOptions[] = [];
  const docker: InjectPorts['docker'] = (_, options = {}) => {
    given.push(options);
    options.onStdout!('ready\n');
    return new Promise<never>(() => {});
  };
  const [first, second] = [new AbortController(), new AbortController()];
  const injections: Injections = new Map();
  await waitForTmux(portsOf(docker, null), injections, input, first.signal);
  injections.get(id)!.abortOn(second.signal);
  t.false(given[0]!.signal!.aborted);
  second.abort();
  t.true(given[0]!.signal!.aborted);
});

test('the end of a container that has ended meanwhile is returned, not a failure', async t => {
  const { docker } = fakeClient(() => notRunning);
  t.deepEqual(await waitForTmux(portsOf(docker, end), new Map(), input, never), end);
  const gone = portsOf(docker, end, { exists: false });
  t.deepEqual(await waitForTmux(gone, new Map(), input, never), end);
});

test('a container that has ended without a known end is a transient failure', async t => {
  const { docker } = fakeClient(() => notRunning);
  t.is((await rejection(waitForTmux(portsOf(docker, null), new Map(), input, never))).kind, 'transient');
  const gone = portsOf(docker, null, { exists: false });
  t.regex((await rejection(waitForTmux(gone, new Map(), input, never))).message, /does not exist/);
});

test('a session that is not ready in time is a timeout, with the reason of the container', async t => {
  const printed = 'agent-ready: session agent does not take keys: its pane is not ready yet\n';
  const { docker } = fakeClient(() => ({ ok: false, exitCode: 124, printed }));
  const error = await rejection(waitForTmux(portsOf(docker, null), new Map(), input, never));
  t.is(error.kind, 'timeout');
  t.regex(error.message, /could not reach the tmux session: agent-ready: .*not ready yet/);
});

test('another failure of the command is transient, since it can be repeated', async t => {
  const printed = 'agent-inject: cannot write to /dev/shm\n';
  const { docker } = fakeClient(() => ({ ok: false, exitCode: 73, printed }));
  const error = await rejection(waitForTmux(portsOf(docker, null), new Map(), input, never));
  t.is(error.kind, 'transient');
  t.regex(error.message, /cannot write to \/dev\/shm/);
});

test('a command that hangs is repeated once, briefly, since it may have reached the session', async t => {
  let ended = 0;
  const { docker, calls } = fakeClient(() => (ended++ === 0 ? timedOut : { stdout: 'already\n' }));
  t.is(await waitForTmux(portsOf(docker, null), new Map(), input, never), null);
  t.deepEqual(
    calls.map(call => call.split(' ').at(-1)),
    ['3', '1'],
  );
});

test('a command that hangs twice is a timeout, and the end is not looked up', async t => {
  const { docker, calls } = fakeClient(() => timedOut);
  const error = await rejection(waitForTmux(portsOf(docker, end), new Map(), input, never));
  t.is(error.kind, 'timeout');
  t.regex(error.message, /could not reach the tmux session: docker did not respond in time/);
  t.is(calls.length, 2);
});

test('without our injection, agent-ready waits in the container', async t => {
  const { docker, calls } = fakeClient();
  const { watcher } = fakeWatcher(null);
  t.is(await waitForSession({ docker, watcher, plan }, input, never), null);
  t.deepEqual(calls, [`exec ${id} agent-ready 3`]);
  const ended = { docker: fakeClient(() => notRunning).docker, ...fakeWatcher(end), plan };
  t.deepEqual(await waitForSession(ended, input, never), end);
});
