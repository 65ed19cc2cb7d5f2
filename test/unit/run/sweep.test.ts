import test from 'ava';
import type { Docker } from '../../../src/docker/cli.ts';
import { label } from '../../../src/docker/labels.ts';
import { sweep } from '../../../src/run/sweep.ts';

interface Engine {
  /** Networks of containers, by container id. */
  readonly containers: Record<string, string>;
  readonly networks: Set<string>;
  /** By name, with the role of each. */
  readonly volumes?: Map<string, string>;
}

/** An engine with the containers and networks of one run. `before` is called before each list of its containers. */
function dockerOf(
  { containers, networks, volumes = new Map() }: Engine,
  before: (check: number) => void = () => {},
) {
  const calls: string[] = [];
  let checks = 0;
  const docker: Docker = async args => {
    const response = (stdout = '', stderr = '') => {
      return { args, ok: stderr === '', exitCode: stderr === '' ? 0 : 1, stdout, stderr, interrupted: null };
    };
    const last = args.at(-1)!;
    const network = args.find(arg => arg.startsWith('--filter=network='))?.slice('--filter=network='.length);
    if (args[0] === 'ps' && network === undefined) before(++checks);
    if (args[0] === 'ps')
      return response(
        Object.entries(containers)
          .filter(([, on]) => network === undefined || on === network)
          .map(([ID]) => JSON.stringify({ ID, State: 'exited', Names: `n-${ID}`, Labels: '' }))
          .join('\n'),
      );
    if (args[0] === 'volume' && args[1] === 'ls') return response([...volumes.keys()].join('\n'));
    if (args[0] === 'volume' && args[1] === 'inspect') return response(inspected(volumes));
    if (args[1] === 'ls') return response([...networks].join('\n'));
    calls.push(`${args[0]} ${last}`);
    if (args[0] === 'volume') volumes.delete(last);
    else if (args[0] === 'rm') delete containers[last];
    else networks.delete(last);
    return response();
  };
  return { docker, calls, checks: () => checks };
}

/** Return what `docker volume inspect` prints. */
const inspected = (volumes: ReadonlyMap<string, string>) =>
  JSON.stringify(
    [...volumes].map(([Name, role]) => ({
      Name,
      Labels: { [label.instance]: 'i', [label.runId]: 'r1234567', [label.role]: role },
    })),
  );

const run = { instance: 'i', runId: 'r1234567', sleep: async () => {} };
const none: ReadonlySet<string> = new Set();
const options = { ...run, kept: none, hasNetworks: true, hasVolumes: false, inDoubt: false };

test('containers are removed first, then their networks', async t => {
  const { docker, calls, checks } = dockerOf({
    containers: { agent: 'in', proxy: 'in' },
    networks: new Set(['in', 'out']),
  });
  t.deepEqual(await sweep(docker, options), []);
  t.deepEqual(calls, ['rm agent', 'rm proxy', 'network in', 'network out']);
  t.is(checks(), 1);
});

test('a run without networks of its own lists none', async t => {
  const { docker, calls } = dockerOf({ containers: { agent: 'shared' }, networks: new Set(['shared']) });
  t.deepEqual(await sweep(docker, { ...options, hasNetworks: false }), []);
  t.deepEqual(calls, ['rm agent']);
});

test('a kept container keeps its network, and other networks are removed', async t => {
  const { docker, calls } = dockerOf({
    containers: { kept: 'own', proxy: 'in' },
    networks: new Set(['own', 'in']),
  });
  t.deepEqual(await sweep(docker, { ...options, kept: new Set(['kept']) }), []);
  t.deepEqual(calls, ['rm proxy', 'network in']);
});

test('a network with a foreign container is left and reported', async t => {
  const engine = { containers: { theirs: 'in' }, networks: new Set(['in']) };
  const { docker } = dockerOf(engine);
  const theirs: Docker = async (args, options) =>
    args.some(arg => arg.includes('run-id')) && args[0] === 'ps'
      ? { args, ok: true, exitCode: 0, stdout: '', stderr: '', interrupted: null }
      : docker(args, options);
  t.deepEqual(await sweep(theirs, options), ['in']);
  t.deepEqual([...engine.networks], ['in']);
});

test('after an interrupted call, late resources are removed, and three checks have to find nothing', async t => {
  const engine: Engine = { containers: {}, networks: new Set() };
  const { docker, calls, checks } = dockerOf(engine, check => {
    if (check === 3) engine.networks.add('late');
  });
  t.deepEqual(await sweep(docker, { ...options, inDoubt: true }), []);
  t.deepEqual(calls, ['network late']);
  t.is(checks(), 6);
});

test('a resource that cannot be removed does not block a run forever', async t => {
  const engine = { containers: { stuck: 'in' }, networks: new Set<string>() };
  const { docker, checks } = dockerOf(engine);
  const busy: Docker = async (args, options) =>
    args[0] === 'rm'
      ? { args, ok: false, exitCode: 1, stdout: '', stderr: 'device or resource busy', interrupted: null }
      : docker(args, options);
  t.deepEqual(await sweep(busy, { ...options, inDoubt: true }), ['stuck']);
  t.true(checks() <= 20);
});

test('volumes are removed after the containers, except those of clones', async t => {
  const volumes = new Map([
    ['source', 'repository'],
    ['bundle', 'bundle'],
    ['clone', 'workspace'],
  ]);
  const { docker, calls } = dockerOf({ containers: { agent: 'in' }, networks: new Set(), volumes });
  t.deepEqual(await sweep(docker, { ...options, hasNetworks: false, hasVolumes: true }), []);
  t.deepEqual(calls, ['rm agent', 'volume source', 'volume bundle']);
});
