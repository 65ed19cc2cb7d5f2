import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { labelFilter } from '../../src/docker/labels.ts';
import { eventually } from '../engine/flow.ts';
import { startWithBaseImage } from '../faults/private-daemon.ts';
import { testLimit } from '../limits.ts';
import { createHosts, type Host } from './hosts.ts';

/** Engines that form a Swarm, each on a host of its own. */
export interface SwarmEngines {
  /** `h1`, the only manager, and its workers. Each node has the label `agent-flow.context` with the name. */
  readonly hosts: readonly Host[];
  /** The environment of a docker client with a context for each host by its name, and `manager`. */
  readonly env: { readonly DOCKER_CONFIG: string };
  /** Resolves when every engine replies, and every node is ready. */
  ready(): Promise<void>;
  /** The resources of a state directory on all hosts, or of any, such as `h2 container f3a1b2c4d5e6`. */
  nothingLeft(instance: string | null): Promise<string[]>;
  /** Start it before the tests of a file, and remove it after them. To be called while the tests are declared. */
  upForTests(): void;
}

/** Make some for the tests of a file. All temporary files of this process are hidden from them from then on. */
export async function swarmEngines(count: number): Promise<SwarmEngines> {
  const hidden = mkdtempSync(join(tmpdir(), 'agent-flow-client-'));
  const { hosts, remove } = await createHosts(count, hidden);
  process.env.TMPDIR = hidden;
  const env = { DOCKER_CONFIG: join(hidden, 'docker') };
  return {
    ...{ hosts, env },
    ready: () => ready(hosts),
    nothingLeft: instance => resources(hosts, instance),
    upForTests() {
      test.after.always(remove);
      test.serial.before(async t => {
        t.timeout(testLimit);
        await startWithBaseImage(
          hosts.map(({ daemon }) => daemon),
          // A node of a Swarm cannot restore containers.
          { liveRestore: false },
        );
        await formSwarm(hosts);
        await createContexts(hosts, env);
      });
    },
  };
}

async function docker({ env }: Host, ...args: string[]): Promise<string[]> {
  const { stdout } = await execa('docker', args, { env, timeout: 60_000 });
  return stdout.split('\n').filter(Boolean);
}

async function formSwarm(hosts: readonly Host[]): Promise<void> {
  const [manager, ...workers] = hosts as [Host, ...Host[]];
  const reachable = ({ address }: Host) => [`--advertise-addr=${address}`, `--listen-addr=${address}:2377`];
  await docker(manager, 'swarm', 'init', ...reachable(manager), '--task-history-limit=1');
  const [token] = await docker(manager, 'swarm', 'join-token', '--quiet', 'worker');
  await Promise.all(
    workers.map(worker =>
      docker(worker, 'swarm', 'join', ...reachable(worker), `--token=${token}`, `${manager.address}:2377`),
    ),
  );
  await ready(hosts);
  await Promise.all(
    hosts.map(({ name }) =>
      docker(manager, 'node', 'update', `--label-add=agent-flow.context=${name}`, name),
    ),
  );
}

async function createContexts(hosts: readonly Host[], env: { DOCKER_CONFIG: string }): Promise<void> {
  mkdirSync(env.DOCKER_CONFIG);
  for (const { name, host } of [...hosts, { name: 'manager', host: hosts[0]!.host }])
    await execa('docker', ['context', 'create', name, `--docker=host=${host}`], { env, timeout: 60_000 });
}

async function ready(hosts: readonly Host[]): Promise<void> {
  const count = async (state: string, host: Host, ...args: string[]) =>
    (await docker(host, ...args).catch(() => [])).filter(line => line === state).length;
  await eventually(async () => {
    const nodes = await count('Ready', hosts[0]!, 'node', 'ls', '--format={{.Status}}');
    const engines = await Promise.all(
      hosts.map(host => count('active', host, 'info', '--format={{.Swarm.LocalNodeState}}')),
    );
    return nodes === hosts.length && engines.every(Boolean);
  }, 'a Swarm whose nodes are all ready');
}

const listings = {
  container: ['ps', '--all', '--format={{.ID}}'],
  volume: ['volume', 'ls', '--format={{.Name}}'],
  network: ['network', 'ls', '--filter=type=custom', '--format={{.Name}}'],
};
const managerListings = {
  service: ['service', 'ls', '--format={{.Name}}'],
  secret: ['secret', 'ls', '--format={{.Name}}'],
  config: ['config', 'ls', '--format={{.Name}}'],
};

async function resources(hosts: readonly Host[], instance: string | null): Promise<string[]> {
  const filter = instance === null ? labelFilter.managed : labelFilter.instance(instance);
  const found = hosts.flatMap((host, index) =>
    Object.entries(index === 0 ? { ...listings, ...managerListings } : listings).map(async ([kind, args]) =>
      (await docker(host, ...args, `--filter=${filter}`)).map(name => `${host.name} ${kind} ${name}`),
    ),
  );
  return (await Promise.all(found)).flat();
}
