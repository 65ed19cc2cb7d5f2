import test from 'ava';
import { loadNodes } from '../../../src/commands/build/load-nodes.ts';
import { dockerCli } from '../../../src/docker/cli.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import type { SwarmNode } from '../../../src/swarm/nodes.ts';
import { createCli } from '../_helpers/command-line.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';

const node = (hostName: string, context: string | null, platform = 'linux/amd64'): SwarmNode => ({
  ...{ id: `id-${hostName}`, hostName, context, isManager: false, state: 'ready', availability: 'active' },
  ...{ platform, cpus: 2, memory: 1, hasVxlanFilter: false },
});

test.serial('a node that cannot have the images does not keep them from the others', async t => {
  const info = { ID: 'E', ServerVersion: '28', NCPU: 2, MemTotal: 1, DockerRootDir: '/d' };
  fakeDocker(
    t,
    `case "$*" in
    'context inspect '*)
      printf '{"Name":"%s","Endpoints":{"docker":{"Host":"tcp://%s:1"}}}' "$DOCKER_CONTEXT" "$DOCKER_CONTEXT" ;;
    'info '*)
      [ "$DOCKER_HOST" != tcp://away:1 ] || { echo refused >&2; exit 1; }
      printf '%s' '${JSON.stringify({ ...info, Swarm: { NodeID: 'id-there' } })}' ;;
    'image inspect '*) echo '[{"Id":"sha256:1"}]' ;;
    esac`,
  );
  const from = { docker: dockerCli(nullRecorder), recorder: nullRecorder };
  const nodes = [
    ...[node('away', 'away'), node('other', 'other'), node('arm', 'arm', 'linux/arm64')],
    ...[node('bare', null), node('there', 'there')],
  ];
  const results = await loadNodes(nodes, { base: 'sha256:1' }, { from, platform: 'linux/amd64' });
  t.deepEqual(
    results.map(({ host, node, status }) => [host, node, status]),
    [
      ['away', 'away', 'failed'],
      ['other', 'other', 'failed'],
      ['arm', 'arm', 'failed'],
      [null, 'bare', 'skipped'],
      ['there', 'there', 'present'],
    ],
  );
  t.regex(results[0]!.why!, /could not reach the Docker engine: refused/);
  t.regex(results[1]!.why!, /the docker context other leads to another engine/);
  t.is(results[2]!.why, 'the node is linux/arm64, the image is linux/amd64');
  t.regex(results[3]!.why!, /it has no label agent-flow\.context\. Add it/);
});

test('build --swarm without --load-nodes is refused', async t => {
  const { exitCode, stderr } = await createCli(t).run(['build', '--swarm', 'manager']);
  t.is(exitCode, 2);
  t.regex(stderr, /--swarm requires --load-nodes/);
});
