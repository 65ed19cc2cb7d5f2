import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { dockerCli } from '../../../src/docker/cli.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';

/** Put a `docker` with this shell script first on PATH. */
function withDocker(t: ExecutionContext, script: string) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-cli-'));
  writeFileSync(join(folder, 'docker'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const path = process.env.PATH;
  process.env.PATH = `${folder}${delimiter}${path}`;
  t.teardown(() => {
    process.env.PATH = path;
    rmSync(folder, { recursive: true });
  });
  return dockerCli(nullRecorder);
}

test.serial('a docker that ends before it has read its input does not end this process', async t => {
  const docker = withDocker(t, 'exec 0<&-; echo "Cannot connect" >&2; exit 1');
  for (const size of [5, 300_000, 5, 300_000]) {
    const result = await docker(['exec', '--interactive', 'x'], { input: Buffer.alloc(size, 'x') });
    t.like(result, { ok: false, exitCode: 1, stderr: 'Cannot connect\n', interrupted: null });
  }
});

test.serial('input arrives whole, with any bytes', async t => {
  const docker = withDocker(t, 'sha256sum');
  const input = Buffer.from(Array.from({ length: 1_000_000 }, (_, index) => index % 256));
  const { stdout } = await docker(['exec'], { input });
  t.true(stdout.startsWith(createHash('sha256').update(input).digest('hex')));
});

test.serial('arguments reach docker as they are', async t => {
  const docker = withDocker(t, `for word; do printf '%s\\n' "<$word>"; done`);
  const args = ['exec', '', 'a b', "it's", '$HOME `id` $(id) !x \\n', '--format={{json .}}', '*', '~', 'é\t'];
  t.deepEqual(
    (await docker(args)).stdout.trimEnd().split('\n'),
    args.map(word => `<${word}>`),
  );
});

test.serial('onStdout receives output while the command runs', async t => {
  const docker = withDocker(t, 'echo first; until [ -e "${0%docker}go" ]; do sleep 0.01; done; echo second');
  const folder = process.env.PATH!.split(delimiter)[0]!;
  let received = '';
  const { stdout } = await docker(['exec'], {
    onStdout(text) {
      received += text;
      if (received === 'first\n') writeFileSync(join(folder, 'go'), '');
    },
  });
  t.is(stdout, 'first\nsecond\n');
  t.is(received, stdout);
});

test.serial('DOCKER_DEFAULT_PLATFORM is not passed to the client', async t => {
  const docker = withDocker(t, 'echo "platform: ${DOCKER_DEFAULT_PLATFORM-none}, config: $DOCKER_CONFIG"');
  Object.assign(process.env, { DOCKER_DEFAULT_PLATFORM: 'linux/arm64', DOCKER_CONFIG: '/config' });
  t.teardown(() => {
    delete process.env.DOCKER_DEFAULT_PLATFORM;
    delete process.env.DOCKER_CONFIG;
  });
  t.is((await docker(['create'])).stdout, 'platform: none, config: /config\n');
});

test.serial('docker runs on one processor, except for builds and where the user sets a number', async t => {
  const before = process.env.GOMAXPROCS;
  t.teardown(() => {
    delete process.env.GOMAXPROCS;
    Object.assign(process.env, before !== undefined && { GOMAXPROCS: before });
  });
  delete process.env.GOMAXPROCS;
  const docker = withDocker(t, 'printf "%s" "${GOMAXPROCS:-all}"');
  t.is((await docker(['ps'])).stdout, '1');
  t.is((await docker(['build', '.'], { isLog: true })).stdout, 'all');
  process.env.GOMAXPROCS = '3';
  t.is((await docker(['ps'])).stdout, '3');
});
