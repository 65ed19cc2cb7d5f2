import test from 'ava';
import type { Docker } from '../../../src/docker/cli.ts';
import { createWithLog, wholeOutput } from '../../../src/docker/log-driver.ts';

const args = ['create', ...wholeOutput, '--log-opt=max-size=9', '--', 'sha256:a'];

/** A docker that gives one answer after the other, and the commands it was given. */
function dockerWith(...answers: readonly string[]) {
  const asked: (readonly string[])[] = [];
  const docker: Docker = async args => {
    const stderr = answers[asked.push(args) - 1] ?? '';
    return {
      args,
      ok: stderr === '',
      exitCode: stderr === '' ? 0 : 1,
      stdout: 'id',
      stderr,
      interrupted: null,
    };
  };
  return { docker, asked };
}

test('the output of a container is kept whole, whatever the default of the engine', async t => {
  const { docker, asked } = dockerWith();
  t.true((await createWithLog(docker, args, {})).ok);
  t.deepEqual(asked, [args]);
  t.true(args.includes('--log-opt=mode=blocking'));
});

test('an engine that adds its own buffer to json-file gets another driver', async t => {
  const { docker, asked } = dockerWith(
    "Error response from daemon: logger: max-buffer-size option is only supported with 'mode=non-blocking'",
  );
  t.true((await createWithLog(docker, args, {})).ok);
  t.is(asked.length, 2);
  t.deepEqual(
    asked[1],
    args.map(arg => arg.replace('--log-driver=json-file', '--log-driver=local')),
  );
});

test('any other refusal is returned', async t => {
  const { docker, asked } = dockerWith('Error response from daemon: Conflict. The container name is in use');
  t.false((await createWithLog(docker, args, {})).ok);
  t.is(asked.length, 1);
});
