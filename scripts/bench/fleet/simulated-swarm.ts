import { contextLabel } from '../../../src/spec/placement.ts';
import { flagPairs, flags } from './flags.ts';
import type { Reply, SimulatedEngine } from './simulated-engine.ts';
import { type Node, type Service, swarmPlacement } from './swarm-placement.ts';
import type { VirtualClock } from './virtual-clock.ts';

type Command = (args: readonly string[], keys: readonly string[]) => Reply;

/** The manager of a Docker Swarm with these nodes. Its `reply` is null for a command that is not about the Swarm. */
export function simulatedSwarm(engines: readonly SimulatedEngine[], clock: VirtualClock) {
  const placement = swarmPlacement(engines, clock);
  const { nodes } = placement;
  const byId = new Map<string, Service>();
  const services = new Map<string, Service>();
  let created = 0;

  const create: Command = args => {
    const name = flags(args, 'name')[0]!;
    if (services.has(name)) return { stderr: 'rpc error: name conflicts with an existing object' };
    const except = flags(args, 'constraint').flatMap(text => /^node\.id!=(.*)$/.exec(text)?.[1] ?? []);
    const service: Service = {
      ...{ id: `service${++created}`.padEnd(25, 'x'), name, labels: flagPairs(args, 'label') },
      ...{ memory: Number(flags(args, 'reserve-memory')[0]), exceptNodes: new Set(except) },
      ...{ node: null, state: 'pending' },
    };
    services.set(name, service);
    byId.set(service.id, service);
    placement.add(service);
    return { stdout: `${service.id}\n` };
  };
  const remove: Command = (_, [name = '']) => {
    const service = services.get(name);
    if (service === undefined) return { stderr: `Error response from daemon: service ${name} not found` };
    services.delete(name);
    byId.delete(service.id);
    placement.remove(service);
    return { stdout: `${name}\n` };
  };
  const found = (keys: readonly string[]) => keys.flatMap(key => byId.get(key) ?? services.get(key) ?? []);
  const commands: Readonly<Record<string, Command>> = {
    'node ls': () => ({ stdout: nodes.map(({ engine }) => engine.name).join('\n') }),
    'node inspect': () => ({ stdout: JSON.stringify(nodes.map(inspectedNode)) }),
    'service create': create,
    'service rm': remove,
    'service ls'(args) {
      const filters = flags(args, 'filter').map(filter => filter.slice('label='.length).split('='));
      const matches = ({ labels }: Service) => filters.every(([key, value]) => labels[key!] === value);
      return { stdout: [...services.values()].flatMap(one => (matches(one) ? one.id : [])).join('\n') };
    },
    'service inspect': (_, keys) => ({ stdout: JSON.stringify(found(keys).map(inspectedService)) }),
    'service ps': (_, keys) => ({ stdout: found(keys).map(listedTask).join('\n') }),
  };
  return {
    services,
    reply: (args: readonly string[]): Reply | null =>
      commands[args.slice(0, 2).join(' ')]?.(args, args.slice(args.indexOf('--') + 1)) ?? null,
  };
}

const inspectedNode = ({ engine: { name, memory }, isDown }: Node) => ({
  ID: name,
  Spec: { Labels: { [contextLabel]: name }, Role: 'worker', Availability: 'active' },
  Description: {
    Hostname: name,
    Platform: { OS: 'linux', Architecture: 'x86_64' },
    Resources: { NanoCPUs: 1e12, MemoryBytes: memory },
  },
  Status: { State: isDown ? 'down' : 'ready', Addr: '10.0.0.1' },
});

const inspectedService = ({ id, name, labels }: Service) => ({
  ID: id,
  Spec: { Name: name, Labels: labels },
});

const noRoom = 'no suitable node (insufficient resources on all nodes)';

const listedTask = ({ id, node, state }: Service) =>
  JSON.stringify({
    Name: `${id}.1`,
    Node: node?.engine.name ?? '',
    DesiredState: state === 'shutdown' ? 'Shutdown' : 'Running',
    CurrentState: `${state === 'pending' ? 'Pending' : 'Running'} 5 seconds ago`,
    Error: state === 'pending' ? `"${noRoom}"` : '',
  });
