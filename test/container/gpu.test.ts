import { randomUUID } from 'node:crypto';
import test from 'ava';
import { execa } from 'execa';
import { docker, dockerDir, runToEnd } from './box.ts';

test('the GPU image builds on another base, with Node 22 and the tools of the base image', async t => {
  const tag = `agent-flow-test-gpu:${randomUUID()}`;
  t.teardown(() => docker(['rmi', tag]));
  const built = await execa(
    'docker',
    ['build', '--file=Dockerfile.gpu', '--build-arg=BASE_IMAGE=debian:bookworm-slim', `--tag=${tag}`, '.'],
    { cwd: dockerDir, reject: false, all: true, timeout: 800_000 },
  );
  t.is(built.exitCode, 0, built.all);
  const script =
    'node --version && npm --version && npx --version && git --version && jq --version && curl -V';
  const end = await runToEnd(t, script, { of: tag });
  t.regex(end.pane, /^v22\.\d+/m);
  t.regex(end.pane, /git version 2/);
  t.is(end.record, 'agent-end exit 0 0 n0nce', end.output);
});
