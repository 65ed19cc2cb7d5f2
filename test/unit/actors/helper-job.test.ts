import test from 'ava';
import {
  type HelperJob,
  hasReported,
  hostUser,
  jobFailure,
  runHelperJob,
} from '../../../src/actors/helper-job.ts';
import type { DockerResult } from '../../../src/docker/cli.ts';
import { engine, helperPorts, id, never, rejection } from '../_helpers/actor-ports.ts';

const owner = { agent: 'a', attempt: 1 };
const job: HelperJob = {
  command: 'agent-empty',
  args: ['/empty/0'],
  mounts: [{ source: '/x', target: '/empty/0', isWritable: true }],
  user: '0',
  purpose: 'remove its clone',
  timeout: 1_000,
  hasReported: ({ stdout }) => stdout !== '',
};
const result: DockerResult = { args: [], ok: false, exitCode: 1, stdout: '', stderr: '', interrupted: null };

test('a helper runs in the helper image with the mounts of its job, and its output is returned', async t => {
  const { ports, calls } = helperPorts('emptied\n');
  t.is((await runHelperJob(ports, owner, job, never)).stdout, 'emptied\n');
  t.regex(
    calls[0]!,
    /^create .*--entrypoint=agent-empty .*source=\/x,target=\/empty\/0 .*-- sha256:helper \/empty\/0$/,
  );
  t.is(calls[1], `start --attach ${id}`);
});

test('a transient failure is tried three times, one second apart', async t => {
  const { ports, created, slept } = helperPorts(() => ({ stderr: 'unexpected EOF' }));
  t.false((await runHelperJob(ports, owner, job, never)).ok);
  t.is(created().length, 3);
  t.deepEqual(slept, [1_000, 1_000]);
});

test('a connection that a busy ssh server refuses is tried more often', async t => {
  const printed = 'exit status 255: stderr=kex_exchange_identification: Connection closed by remote host';
  const { ports, created } = helperPorts(() =>
    created().length < 10 ? { ok: false, exitCode: 1, printed } : { ok: true, stdout: 'emptied' },
  );
  t.true((await runHelperJob(ports, owner, job, never)).ok);
  t.is(created().length, 10);
});

test('a failure that the helper itself reports is final, whatever its message', async t => {
  const { ports, created } = helperPorts(() => ({ ok: false, stdout: 'failed: unexpected EOF' }));
  await runHelperJob(ports, owner, job, never);
  t.is(created().length, 1);
});

test('a success that the helper did not report, and a report whose docker failed, are tried again', async t => {
  const report = { ...job, hasReported: hasReported(/^cloned$/m) };
  for (const first of [
    { ok: true, exitCode: 0, stdout: '' },
    { ok: true, exitCode: 0, stdout: 'clo' },
    { ok: false, stdout: 'cloned\n', stderr: 'unexpected EOF' },
  ]) {
    const { ports, created } = helperPorts(() =>
      created().length === 1 ? first : { ok: true, stdout: 'cloned\n' },
    );
    t.is((await runHelperJob(ports, owner, report, never)).stdout, 'cloned\n');
    t.is(created().length, 2);
  }
  const { ports, created } = helperPorts(() => ({ ok: false, stdout: 'failed the disk is full\n' }));
  t.false((await runHelperJob(ports, owner, report, never)).ok);
  t.is(created().length, 1);
  t.is(jobFailure({ ...result, ok: true, exitCode: 0 }), 'the output of the helper container was lost');
});

test('a helper that timed out is not retried', async t => {
  const { ports, created } = helperPorts(() => ({ ok: false, exitCode: null, interrupted: 'timeout' }));
  t.is((await runHelperJob(ports, owner, job, never)).interrupted, 'timeout');
  t.is(created().length, 1);
});

test('an unreachable engine rejects, and the wait is left to the machine', async t => {
  const { ports } = helperPorts(() => ({ stderr: 'Cannot connect to the Docker daemon at unix:///x.' }));
  const error = await rejection(runHelperJob(ports, owner, job, never));
  t.is(error.kind, 'unreachable');
  t.regex(error.message, /could not remove its clone/);
});

test('the reason of a failure is the last line of the helper, else the timeout, else the message of docker', t => {
  t.is(
    jobFailure({ ...result, stdout: 'x\nfailed the disk is full\n', stderr: 'other' }),
    'the disk is full',
  );
  t.is(jobFailure({ ...result, interrupted: 'timeout' }), 'it did not end in time');
  const noProgram = 'exec: "agent-empty": executable file not found in $PATH';
  t.regex(jobFailure({ ...result, stderr: noProgram }), /base image is of another release.*agent-flow build/);
  t.is(jobFailure({ ...result, stderr: 'Error response from daemon: no such image: x' }), 'no such image: x');
  t.is(jobFailure({ ...result, exitCode: 9 }), 'the helper container exited with 9');
});

test('a helper runs as the caller, which on a rootless engine is root in the container', t => {
  const { user } = hostUser({ engine });
  t.is(user, `${process.getuid!()}:${process.getgid!()}`);
  t.deepEqual(hostUser({ engine: { ...engine, isRootless: true } }), { user: '0:0' });
});
