import test from 'ava';
import type { Docker } from '../../../src/docker/cli.ts';
import { createWithLog, wholeOutput } from '../../../src/docker/log-driver.ts';

const args = ['create', ...wholeOutput, '--log-opt=max-size=9', '--', 'sha256:a'];

/** Create a docker that fails with these errors in turn and then succeeds, and the list of its calls. */
function dockerWith(...errors: readonly string[]) {
  const calls: (readonly string[])[] = [];
  const docker: Docker = async args => {
    const stderr = errors[calls.push(args) - 1] ?? '';
    return {
      args,
      ok: stderr === '',
      exitCode: stderr === '' ? 0 : 1,
      stdout: 'id',
      stderr,
      interrupted: null,
    };
  };
  return { docker, calls };
}

test('the output of a container is kept whole, whatever the default log mode of the engine', async t => {
  const { docker, calls } = dockerWith();
  t.true((await createWithLog(docker, args, {})).ok);
  t.deepEqual(calls, [args]);
  t.true(args.includes('--log-opt=mode=blocking'));
});

test('an engine that adds its own buffer to json-file gets another driver', async t => {
  const { docker, calls } = dockerWith(
    "Error response from daemon: logger: max-buffer-size option is only supported with 'mode=non-blocking'",
  );
  t.true((await createWithLog(docker, args, {})).ok);
  t.is(calls.length, 2);
  t.deepEqual(
    calls[1],
    args.map(arg => arg.replace('--log-driver=json-file', '--log-driver=local')),
  );
});

test('any other failure is returned', async t => {
  const { docker, calls } = dockerWith('Error response from daemon: Conflict. The container name is in use');
  t.false((await createWithLog(docker, args, {})).ok);
  t.is(calls.length, 1);
});
