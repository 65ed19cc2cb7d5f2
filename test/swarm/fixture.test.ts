import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { label } from '../../src/docker/labels.ts';
import { eventually } from '../engine/flow.ts';
import type { HostUntilKilled } from './host-until-killed.ts';
import type { Host } from './hosts.ts';
import { importPause } from './pause-image.ts';
import { swarmEngines } from './swarm-engines.ts';

// Before the temporary files of this process are hidden: a path of a socket must be short.
const folder = mkdtempSync(join(tmpdir(), 'killed-'));
const swarm = await swarmEngines(3);
swarm.upForTests();
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
const [h1, h2, h3] = swarm.hosts as [Host, Host, Host];
test.serial.before(() => Promise.all(swarm.hosts.map(({ env }) => importPause(env))));

const docker = async (env: NodeJS.ProcessEnv, ...args: string[]) =>
  (await execa('docker', args, { env, timeout: 60_000 })).stdout.split('\n').filter(Boolean);
const manager = (...args: string[]) => docker(h1.env, ...args);
const through = (context: string, ...args: string[]) => docker(swarm.env, `--context=${context}`, ...args);

/** Create a service of ours that is removed after the test, and resolve when its tasks run. */
async function service(t: ExecutionContext, name: string, tasks: number, ...args: string[]) {
  t.teardown(() => execa('docker', ['service', 'rm', name], { env: h1.env, reject: false, timeout: 60_000 }));
  const flags = [
    '--restart-condition=none',
    '--stop-signal=SIGKILL',
    '--no-healthcheck',
    '--no-resolve-image',
  ];
  const labels = [`--label=${label.mark}=true`, `--container-label=${label.mark}=true`];
  const replicas = `--replicas=${tasks}`;
  await manager(
    'service',
    'create',
    '--detach',
    `--name=${name}`,
    ...[replicas, ...flags],
    ...labels,
    ...args,
    'pause',
  );
  await eventually(async () => {
    const states = await manager('service', 'ps', name, '--format={{.CurrentState}}');
    return states.filter(state => state.startsWith('Running')).length === tasks;
  }, `${tasks} tasks that run`);
}

const state = async (name: string) =>
  (await manager('node', 'inspect', name, '--format={{.Status.State}}'))[0];
const noneLeft = () =>
  eventually(async () => (await swarm.nothingLeft(null)).length === 0, 'hosts without resources of ours');

test.serial('every node is ready, has the name of its context, and is an engine of its own', async t => {
  t.deepEqual(await manager('node', 'ls', '--format={{.Hostname}} {{.Status}} {{.ManagerStatus}}'), [
    'h1 Ready Leader',
    'h2 Ready ',
    'h3 Ready ',
  ]);
  const labels = '--format={{index .Spec.Labels "agent-flow.context"}}';
  t.deepEqual(await manager('node', 'inspect', 'h1', 'h2', 'h3', labels), ['h1', 'h2', 'h3']);
  const names = ['h1', 'h2', 'h3', 'manager'];
  const identities = await Promise.all(
    names.map(name => through(name, 'info', '--format={{.Name}} {{.ID}}')),
  );
  const [first, second, third, last] = identities.flat();
  t.is(last, first);
  t.is(new Set([first, second, third].map(identity => identity!.split(' ')[1])).size, 3);
  t.deepEqual(
    identities.flat().map(identity => identity.split(' ')[0]),
    ['h1', 'h2', 'h3', 'h1'],
  );
  t.deepEqual(
    await through('h2', 'images', '--quiet', 'tmux-agents-base:latest'),
    await manager('images', '--quiet', 'tmux-agents-base:latest'),
  );
});

test.serial('a service of three tasks spreads over the hosts, and nothing of it is left', async t => {
  await service(t, 'spread', 3);
  const nodes = await manager('service', 'ps', 'spread', '--format={{.Node}}');
  t.deepEqual(nodes.sort(), ['h1', 'h2', 'h3']);
  const found = await swarm.nothingLeft(null);
  t.deepEqual(found.map(line => line.split(' ').slice(0, 2).join(' ')).sort(), [
    ...['h1 container', 'h1 service', 'h2 container', 'h3 container'],
  ]);
  t.deepEqual(await swarm.nothingLeft('of-none'), []);
  await manager('service', 'rm', 'spread');
  await noneLeft();
  t.pass();
});

test.serial(
  'a host that is cut off is lost to the Swarm and to clients, and its containers run on',
  async t => {
    t.teardown(() => h2.restore());
    await service(t, 'cut', 1, '--constraint=node.hostname==h2');
    const running = () => docker(h2.env, 'ps', '--quiet');
    const before = await running();
    await h2.cut();
    let replied = false;
    const call = through('h2', 'ps', '--quiet').finally(() => (replied = true));
    await eventually(async () => (await state('h2')) === 'down', 'a node that is down');
    t.deepEqual(await running(), before);
    t.false(replied);
    await h2.restore();
    await t.notThrowsAsync(call);
    await swarm.ready();
    t.is(await state('h2'), 'ready');
    await manager('service', 'rm', 'cut');
    await noneLeft();
  },
);

test.serial('a dockerd that was killed joins its Swarm again', async t => {
  const [id] = await manager('node', 'inspect', 'h3', '--format={{.ID}}');
  await h3.daemon.end('SIGKILL');
  await t.throwsAsync(through('h3', 'ps'));
  await h3.daemon.start({ liveRestore: false });
  await swarm.ready();
  t.deepEqual(await manager('node', 'inspect', 'h3', '--format={{.ID}}'), [id]);
  await service(t, 'back', 1, '--constraint=node.hostname==h3');
  await manager('service', 'rm', 'back');
  await noneLeft();
});

test('nothing is left of a host whose process was killed', async t => {
  const program = join(import.meta.dirname, 'host-until-killed.ts');
  const child = execa(process.execPath, [program], { env: { TMPDIR: folder }, reject: false });
  t.teardown(() => child.kill('SIGKILL'));
  const failed = child.then(({ stderr }) => Promise.reject(new Error(stderr)));
  const [output] = await Promise.race([once(child.stdout, 'data'), failed]);
  const { keepers, container }: HostUntilKilled = JSON.parse(String(output));
  const namespaces = keepers.map(pid => namespacesOf(pid).filter(namespace => !own.includes(namespace)));
  t.deepEqual(
    namespaces.map(kept => kept.map(kindOf)),
    [['net'], ['mnt', 'net', 'pid', 'uts']],
  );
  const isKept = (pid: string) => namespacesOf(pid).some(namespace => namespaces.flat().includes(namespace));
  // Others create and remove groups at the same time, which find reports as errors.
  const { stdout: groups } = await execa('find', ['/sys/fs/cgroup', '-name', container], { reject: false });
  const parents = groups.split('\n').map(dirname);
  t.true(parents.every(existsSync));
  t.false(readdirSync('/sys/class/net').some(name => name === 'h1' || name === 'bridge'));
  child.kill('SIGKILL');
  await child;
  await eventually(() => !readdirSync('/proc').some(isKept), 'namespaces without processes');
  await eventually(() => !parents.some(existsSync), 'cgroups that are removed');
  await eventually(() => readdirSync(folder).length === 0, 'files that are removed');
});

/** Such as `net:[4026531840]`; none if the process is gone. */
function namespacesOf(pid: number | string): string[] {
  try {
    return ['mnt', 'net', 'pid', 'uts'].map(kind => readlinkSync(`/proc/${pid}/ns/${kind}`));
  } catch {
    return [];
  }
}
const kindOf = (namespace: string) => namespace.split(':')[0];
const own = namespacesOf('self');
