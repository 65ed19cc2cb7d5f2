import type { DockerResult } from '../../../src/docker/cli.ts';
import { contextLabel } from '../../../src/spec/placement.ts';
import { fakeClient } from './actor-ports.ts';

type Result = Partial<DockerResult>;

const daemon = (message: string) => `Error response from daemon: ${message}\n`;

/** Messages of Docker 20.10. */
export const swarmMessages = {
  taken: (name: string) =>
    daemon(
      `rpc error: code = AlreadyExists desc = name conflicts with an existing object: service ${name} already exists`,
    ),
  missing: (name: string) => `Error: no such service: ${name}\n`,
  unlisted: (name: string) => `no such service: ${name}\n`,
  unremoved: (name: string) => daemon(`service ${name} not found`),
  leaderless: daemon(
    "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are online. Make sure more than half of the managers are online.",
  ),
  late: daemon('rpc error: code = DeadlineExceeded desc = context deadline exceeded'),
  worker: daemon(
    "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. Please run this command on a manager node or promote the current node to a manager.",
  ),
} as const;

interface NodeFields {
  /** null: no label. Default: the id. */
  readonly context?: string | null;
  readonly labels?: Readonly<Record<string, string>>;
  readonly architecture?: string;
  readonly system?: string;
  readonly state?: string;
  readonly availability?: string;
  readonly role?: string;
  readonly cpus?: number;
  readonly memory?: number;
}

/** A node as `docker node inspect` prints it. */
export const swarmNode = (id: string, fields: NodeFields = {}) => {
  const { context = id, architecture = 'x86_64', system = 'linux', cpus = 4, memory = 8 * 2 ** 30 } = fields;
  const { state = 'ready', availability = 'active', role = 'worker' } = fields;
  return {
    ID: id,
    Spec: {
      Labels: { ...(context === null ? {} : { [contextLabel]: context }), ...fields.labels },
      Role: role,
      Availability: availability,
    },
    Description: {
      Hostname: `host-${id}`,
      Platform: { OS: system, Architecture: architecture },
      Resources: { NanoCPUs: cpus * 1e9, MemoryBytes: memory },
    },
    Status: { State: state, Addr: '10.0.0.1' },
  };
};

/** The part of a task that a test sets. */
export interface FakeTask {
  readonly state: string;
  readonly desiredState?: string;
  readonly nodeId?: string;
  readonly error?: string;
}

export interface FakeService {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  /** null: Swarm has not created it yet. */
  task: FakeTask | null;
}

interface Options {
  /** The task of a new service. Default: it runs on the first node. */
  readonly schedule?: (service: FakeService) => FakeTask | null;
  /** Responds in place of the manager. */
  readonly respond?: (args: readonly string[]) => Result | undefined;
}

/** A manager of a Docker Swarm with these nodes, which a test may change. */
export function fakeSwarm(nodes: ReturnType<typeof swarmNode>[], { schedule, respond }: Options = {}) {
  const services = new Map<string, FakeService>();
  let created = 0;
  const place = schedule ?? (() => ({ state: 'running', nodeId: nodes[0]!.ID }));
  const find = (key: string) =>
    services.get(key) ?? [...services.values()].find(service => service.id === key);

  const create = (args: readonly string[]): Result => {
    const name = flags(args, 'name')[0] ?? '';
    if (services.has(name)) return { stderr: swarmMessages.taken(name) };
    const labels = Object.fromEntries(flags(args, 'label').map(pair));
    const service: FakeService = { id: `service${++created}`, name, labels, args, task: null };
    service.task = place(service);
    services.set(name, service);
    return { stdout: `${service.id}\n` };
  };
  const listed = (
    found: readonly (FakeService | undefined)[],
    keys: readonly string[],
    message: (key: string) => string,
  ) => {
    const missing = keys.filter((_, index) => found[index] === undefined);
    return missing.length === 0 ? {} : { ok: false, stderr: missing.map(message).join('') };
  };
  const answers: Readonly<Record<string, (args: readonly string[], keys: readonly string[]) => Result>> = {
    'node ls': () => ({ stdout: nodes.map(({ ID }) => `${ID}\n`).join('') }),
    'node inspect': (_, keys) => ({ stdout: JSON.stringify(nodes.filter(({ ID }) => keys.includes(ID))) }),
    'service create': create,
    'service ls': args => {
      const filters = flags(args, 'filter').map(filter => pair(filter.slice('label='.length)));
      const matches = ({ labels }: FakeService) => filters.every(([key, value]) => labels[key] === value);
      return {
        stdout: [...services.values()]
          .filter(matches)
          .map(({ id }) => `${id}\n`)
          .join(''),
      };
    },
    'service inspect': (_, keys) => {
      const found = keys.map(find);
      const stdout = found.flatMap(service =>
        service ? [{ ID: service.id, Spec: { Name: service.name, Labels: service.labels } }] : [],
      );
      return { stdout: JSON.stringify(stdout), ...listed(found, keys, swarmMessages.missing) };
    },
    'service ps': (_, keys) => {
      const found = keys.map(find);
      const stdout = found.map(listedTask).join('');
      return { stdout, ...listed(found, keys, swarmMessages.unlisted) };
    },
    'service rm': (_, [name = '']) => {
      const service = find(name);
      if (service === undefined) return { stderr: swarmMessages.unremoved(name) };
      services.delete(service.name);
      return { stdout: `${name}\n` };
    },
  };
  const { docker, calls } = fakeClient(args => {
    const own = respond?.(args);
    if (own !== undefined) return own;
    const keys = args.slice(args.indexOf('--') + 1);
    return answers[args.slice(0, 2).join(' ')]?.(args, keys) ?? { stderr: `unexpected ${args.join(' ')}` };
  });
  return { docker, calls, services, nodes, find };
}

const flags = (args: readonly string[], name: string) =>
  args.flatMap(arg => (arg.startsWith(`--${name}=`) ? arg.slice(name.length + 3) : []));
const pair = (text: string) => {
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)] as const;
};

/** As `docker service ps --no-resolve` prints it. */
const listedTask = (service: FakeService | undefined) => {
  if (!service?.task) return '';
  const { state, desiredState = 'running', nodeId = '', error = '' } = service.task;
  const word = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
  const task = {
    ...{ ID: `task-${service.id}`, Name: `${service.id}.1`, Node: nodeId, DesiredState: word(desiredState) },
    ...{ CurrentState: `${word(state)} 5 seconds ago`, Error: error === '' ? '' : `"${error}"` },
  };
  return `${JSON.stringify(task)}\n`;
};
