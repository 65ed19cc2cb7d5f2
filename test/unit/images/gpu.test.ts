import test from 'ava';
import type { DockerResult } from '../../../src/docker/cli.ts';
import { checkGpus } from '../../../src/images/gpu.ts';
import { fakeClient, rejection } from '../_helpers/actor-ports.ts';

const client = (run: Partial<DockerResult>, build: Partial<DockerResult> = {}) =>
  fakeClient(([verb]) => ({ build, run })[verb!]);
const noDriver =
  'docker: Error response from daemon: could not select device driver "" with capabilities: [[gpu]].';

test('an engine without GPUs is reported, and the image of the probe is removed', async t => {
  const { docker, calls } = client({ ok: false, exitCode: 125, stderr: noDriver });
  t.like(await rejection(checkGpus({ docker, source: '/' })), { kind: 'gpu' });
  t.deepEqual(
    calls.map(call => call.split(' ')[0]),
    ['build', 'run', 'rmi'],
  );
});

test('a program that does not exist proves that the engine found its GPUs', async t => {
  const { docker, calls } = client({
    ok: false,
    exitCode: 127,
    stderr: 'docker: Error response from daemon: exec: "/none": stat /none: no such file or directory.',
  });
  await t.notThrowsAsync(checkGpus({ docker, source: '/' }));
  t.true(calls[1]!.includes('--pull=never --network=none --gpus=all'));
});

test('a probe that cannot be built leaves the decision to the start of the agent', async t => {
  const { docker, calls } = client({}, { stderr: 'no space left on device' });
  await t.notThrowsAsync(checkGpus({ docker, source: '/' }));
  t.is(calls.length, 1);
});

test('the probe is built from a recipe on standard input', async t => {
  const inputs: unknown[] = [];
  const { docker } = fakeClient((_, { input }) => {
    inputs.push(input);
    return undefined;
  });
  await checkGpus({ docker, source: '/' });
  t.is(inputs[0], 'FROM scratch\nLABEL tmux-agents.image=gpu\n');
});
