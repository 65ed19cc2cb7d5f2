import test from 'ava';
import { mountFlag } from '../../../src/agent-container/create-args.ts';
import type { Docker } from '../../../src/docker/cli.ts';
import { engineInfo } from '../../../src/docker/engine-info.ts';
import { isContainerOver, matchesMessage } from '../../../src/docker/messages.ts';
import { refusingSplitMounts } from '../../../src/docker/podman.ts';

/** Create a docker that records its calls and prints the same each time. */
function fake(stdout = '') {
  const calls: (readonly string[])[] = [];
  const docker: Docker = async args => {
    calls.push(args);
    return { args, ok: true, exitCode: 0, stdout, stderr: '', interrupted: null };
  };
  return { docker, calls };
}

for (const path of ['/work/a,source=/', '/work/a"b', '/work/a\nb'])
  test(`a mount that Podman would split is refused before the call: ${JSON.stringify(path)}`, async t => {
    const { docker, calls } = fake();
    for (const fields of [
      { type: 'bind', source: path, target: '/w' },
      { type: 'bind', source: '/w', target: path },
    ]) {
      const result = await refusingSplitMounts(docker)(['create', mountFlag(fields), '--', 'image']);
      t.like(result, { ok: false, interrupted: null });
      t.regex(result.stderr, /^Podman cannot mount a path with a comma/);
    }
    t.deepEqual(calls, []);
  });

test('other calls are passed on unchanged', async t => {
  const { docker, calls } = fake('c1');
  const args = [
    'create',
    mountFlag({ type: 'bind', source: "/a b:c'd", target: '/w' }),
    '--env=A="1,2"',
    '--',
    'x',
  ];
  t.is((await refusingSplitMounts(docker)(args)).stdout, 'c1');
  t.deepEqual(calls, [args]);
});

test("Podman's own CLI under the name docker is refused", async t => {
  const { docker } = fake('{"host": {"arch": "amd64", "buildahVersion": "1.28.2"}, "store": {}}');
  await t.throwsAsync(engineInfo(docker), {
    message: /^the docker command is Podman under another name.*DOCKER_HOST/,
  });
});

for (const stderr of [
  'Error response from daemon: Container c0ffee is not running',
  'Error response from daemon: can only create exec sessions on running containers: container state improper',
  'Error response from daemon: no container with name or ID "c0ffee" found: no such container',
])
  test(`isContainerOver matches: ${stderr}`, t => t.true(isContainerOver(stderr)));

for (const stderr of [
  'Error response from daemon: Conflict. The container name "/a" is already in use by container "c0ffee".',
  'Error response from daemon: container create: creating container storage: the container name "a" is already in use by c0ffee. You have to remove that container to be able to reuse that name: that name is already in use',
])
  test(`nameTaken matches: ${stderr.slice(27, 70)}`, t => t.true(matchesMessage('nameTaken', stderr)));

test('another failure matches neither', t => {
  const stderr = 'Error response from daemon: the network is already in use by the agent that is running';
  t.false(isContainerOver(stderr) || matchesMessage('nameTaken', stderr));
});
