import test from 'ava';
import type { Docker, DockerResult } from '../../../src/docker/cli.ts';
import { containers } from '../../../src/docker/containers.ts';
import { engineInfo } from '../../../src/docker/engine-info.ts';
import { inspectNetworks, listNetworks } from '../../../src/docker/networks.ts';
import { queryDocker } from '../../../src/doctor/docker.ts';
import { inspectImage } from '../../../src/images/inspect.ts';
import { examine } from '../../../src/recovery/adoptable.ts';
import { engines, recordedOutput } from '../_helpers/engines.ts';

/** Create a docker that prints the same for every command. */
const printing =
  (stdout: string): Docker =>
  async args =>
    success(args, stdout);

const success = (args: readonly string[], stdout: string): DockerResult => ({
  args,
  ok: true,
  exitCode: 0,
  stdout,
  stderr: '',
  interrupted: null,
});

for (const engine of engines) {
  const isPodman = engine.startsWith('podman');
  const docker = (file: string) => printing(recordedOutput(engine, file));

  test(`${engine}: containers are listed`, async t => {
    const list = await containers(docker('ps.jsonl')).list([]);
    t.deepEqual(
      list.map(({ name, state }) => [name, state]),
      [
        ['fixture-oom', 'exited'],
        ['fixture-exits', 'exited'],
      ],
    );
    t.true(list.every(({ id }) => /^[0-9a-f]{64}$/.test(id)));
    t.true(list.every(({ labels }) => labels.includes('tmux-agents.run-id=fixture')));
  });

  test(`${engine}: containers are inspected`, async t => {
    const [exits, oom] = await containers(docker('container-inspect.json')).inspect(['x']);
    t.like(exits, { name: 'fixture-exits', state: 'exited', exitCode: 3, oomKilled: false });
    // Podman reports an OOM kill of the first process only.
    t.like(oom, { name: 'fixture-oom', state: 'exited', exitCode: 137, oomKilled: !isPodman });
    t.is(exits!.labels.odd, 'a=b, "c"');
    t.regex(exits!.image, /^sha256:[0-9a-f]{64}$/);
    t.true(exits!.createdAt <= exits!.startedAt && exits!.startedAt < exits!.finishedAt);
  });

  test(`${engine}: an image is inspected, with the id that its containers name`, async t => {
    const image = await inspectImage('x', { docker: docker('image-inspect.json'), source: '' });
    const [container] = await containers(docker('container-inspect.json')).inspect(['x']);
    t.is(image?.id, container?.image);
    t.like(image, { platform: { os: 'linux', arch: 'amd64' }, user: '', labels: {}, triggers: [] });
    t.true(image!.tags.includes('debian:bookworm-slim'));
  });

  test(`${engine}: networks are listed and inspected`, async t => {
    const [listed] = await listNetworks('fixture', docker('network-ls.jsonl'));
    const [inspected] = await inspectNetworks(docker('network-inspect.json'), ['x']);
    t.is(listed?.driver, 'bridge');
    t.like(inspected, { id: listed!.id, name: 'fixture', isInternal: true });
    t.deepEqual(inspected?.labels, { 'tmux-agents': 'true', 'tmux-agents.run-id': 'fixture' });
  });

  test(`${engine}: docker info identifies the engine`, async t => {
    const info = await engineInfo(docker('info.json'));
    t.is(info.isPodman, isPodman);
    t.regex(info.version, new RegExp(`^${engine.split('-')[1]!.replace('.', '\\.')}\\.`));
    t.is(info.cpus, 2);
    t.true(info.memory > 1e9);
    t.is(info.rootDir, isPodman ? '/var/lib/containers/storage' : '/var/lib/docker');
    t.false(info.isRemapped || info.isRootless);
  });

  test(`${engine}: doctor reads what the client and the engine report`, async t => {
    const facts = await queryDocker(async args =>
      success(args, recordedOutput(engine, `${args[0] === 'info' ? 'info' : 'version'}.json`)),
    );
    t.is(facts.problem, null);
    t.is(facts.engine?.OSType, 'linux');
    t.is(facts.engine?.MemoryLimit, true);
    t.regex(facts.api!.engine, /^1\.\d\d$/);
  });

  test(`${engine}: an orphan is adopted with the network that it is connected to`, async t => {
    const [details] = JSON.parse(recordedOutput(engine, 'container-inspect.json'));
    details.Config.Env = ['AGENT_NONCE=abc'];
    details.Mounts = [{ Type: 'bind', Source: '/home/me/work', Destination: '/workspace' }];
    const [container] = await containers(docker('container-inspect.json')).inspect(['x']);
    const orphan = { origin: 'ours' as const, container: container!, runId: 'r1', agent: 'a', attempt: 1 };
    const { found } = await examine(printing(JSON.stringify([details])), [orphan]);
    t.deepEqual(found[0]?.plan.network, { mode: 'bridge', name: 'fixture' });
  });
}

for (const [word, state] of [
  ['Exited', 'exited'],
  ['stopped', 'exited'],
  ['configured', 'created'],
  ['initialized', 'created'],
  ['stopping', 'running'],
  ['paused', 'paused'],
  ['an unknown state', 'running'],
] as const)
  test(`a container that is ${word} counts as ${state}`, async t => {
    const line = JSON.stringify({ ID: 'c1', State: word, Names: 'a', Labels: null });
    t.is((await containers(printing(line)).list([]))[0]?.state, state);
  });
