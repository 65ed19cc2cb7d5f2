import test from 'ava';
import { copyInto, startContainer } from '../../../src/actors/start.ts';
import type { DockerResult } from '../../../src/docker/cli.ts';
import type { Container } from '../../../src/docker/containers.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { type AttemptState, emptyAttempt } from '../../../src/state/attempt-state.ts';
import {
  agent,
  engine,
  fakeClient,
  fakeClock,
  fakeContainers,
  id,
  identity,
  input,
  never,
  noNetworks,
  rejection,
} from '../_helpers/actor-ports.ts';

function ports(
  reply: Partial<DockerResult> = { stdout: `${id}\n` },
  { workspace = { mode: 'none' } as AgentPlan['workspace'], existing = [] as Partial<Container>[] } = {},
) {
  const { docker, calls } = fakeClient(args => (args[0] === 'start' ? reply : undefined));
  const problems: (string | null)[] = [];
  const context = {
    clock: fakeClock().clock,
    docker,
    containers: fakeContainers(existing).containers,
    engine,
    recorder: nullRecorder,
    helperImage: async () => 'sha256:helper',
    identity: () => identity,
    plan: () => agent({ workspace }),
    mountProblem: () => problems.shift() ?? null,
    writablePlaces: [] as string[],
    livePlaces: () => [],
    networks: noNetworks,
    attempts: () => [] as readonly AttemptState[],
  };
  return { context, calls, problems };
}

test('a container is started by its full id', async t => {
  const { context, calls } = ports();
  await startContainer(context, input, never);
  t.deepEqual(calls, [`start ${id}`]);
});

test('a container whose start is in doubt is not started twice', async t => {
  const { context, calls } = ports(undefined, { existing: [{ id, state: 'running' }] });
  await startContainer(context, { ...input, inDoubt: true }, never);
  t.deepEqual(calls, []);
  const created = ports(undefined, { existing: [{ id, state: 'created' }] });
  await startContainer(created.context, { ...input, inDoubt: true }, never);
  t.deepEqual(created.calls, [`start ${id}`]);
});

test('a mount that has changed is refused before the copy, and again right before the start', async t => {
  const workspace = { mode: 'copy', path: '/src' } as const;
  const first = ports(undefined, { workspace });
  first.problems.push('/src is a link now');
  t.like(await rejection(startContainer(first.context, input, never)), {
    kind: 'workspace',
    message: '/src is a link now',
  });
  t.deepEqual(first.calls, []);
  const second = ports(undefined, { workspace });
  second.problems.push(null, '/src is a link now');
  t.is((await rejection(startContainer(second.context, input, never))).kind, 'workspace');
  t.deepEqual(second.calls, [copyInto('/src', id).join(' ')]);
});

test('output without the id does not prove a start', async t => {
  const { context } = ports({ stdout: '' });
  t.like(await rejection(startContainer(context, input, never)), { kind: 'transient', inDoubt: true });
});

test('a directory that cannot be copied in is a failure with its path', async t => {
  const { context } = ports(undefined, { workspace: { mode: 'copy', path: '/src' } });
  const docker = fakeClient(() => ({ stderr: 'Error response from daemon: it broke' })).docker;
  const error = await rejection(startContainer({ ...context, docker }, input, never));
  t.regex(error.message, /could not copy \/src into the container: it broke/);
});

test('an attempt after a quota gets the saved copy of the one before', async t => {
  const workspace = { mode: 'copy', path: '/src' } as const;
  const { context, calls } = ports(undefined, { workspace });
  const saved: AttemptState = {
    ...emptyAttempt(1),
    ...{ status: 'failed', error: { phase: 'running', kind: 'quota', message: 'used up' }, isSaved: true },
    workspace: { branch: null, commit: null, diff: null, path: '/run/1/workspace' },
  };
  await startContainer({ ...context, attempts: () => [saved] }, { ...input, attempt: 2 }, never);
  t.is(calls[0], copyInto('/run/1/workspace', id).join(' '));
});
