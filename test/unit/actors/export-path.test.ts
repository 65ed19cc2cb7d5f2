import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { exportJob, exportPath } from '../../../src/actors/export-path.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { helperPorts, never } from '../_helpers/actor-ports.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';

const owner = { agent: 'a', attempt: 1 };
const request = { folder: '/work', path: 'out/report', timeout: 5_000 };

test('a helper mounts only the directory, and read-only', t => {
  t.deepEqual(exportJob({ folder: '/work', path: 'out' }), {
    command: 'agent-export',
    args: ['out'],
    mounts: [{ source: '/work', target: '/workspace' }],
    user: '0',
  });
});

test.serial('the output of the helper is written to the sink', async t => {
  fakeDocker(t, 'printf "tar of %s" "$2"');
  const { ports, created } = helperPorts();
  const sink = new PassThrough();
  const printed = text(sink);
  t.true((await exportPath({ ...ports, recorder: nullRecorder }, owner, request, sink, never)).ok);
  t.is(await printed, 'tar of --attach');
  t.regex(created()[0]!, /--entrypoint=agent-export .* out\/report$/);
});

test.serial('a helper that exits with a code of its own is not retried', async t => {
  fakeDocker(t, 'echo "unexpected EOF" >&2; exit 3');
  const { ports, created } = helperPorts();
  const sink = new PassThrough().resume();
  const result = await exportPath({ ...ports, recorder: nullRecorder }, owner, request, sink, never);
  t.is(result.exitCode, 3);
  t.is(created().length, 1);
});
