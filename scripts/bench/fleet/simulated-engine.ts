import type { DockerOptions } from '../../../src/docker/cli.ts';
import { engineOutput, gigabyte, inspected, listed } from './engine-output.ts';
import { flags } from './flags.ts';
import { type ContainerOptions, simulatedContainers } from './simulated-containers.ts';

/** The output of a docker command; it fails if it has an error. */
export interface Reply {
  readonly stdout?: string;
  readonly stderr?: string;
}

/** A Docker engine in memory. */
export interface SimulatedEngine {
  readonly name: string;
  /** Bytes. */
  readonly memory: number;
  reply(args: readonly string[], options: DockerOptions): Reply;
  /** Pass on the events of its containers until the signal fires. */
  follow(onLine: (line: string) => void, signal: AbortSignal): Promise<void>;
  isSilent(): boolean;
  /** Let it neither reply nor send events from now on, or do so again. Its containers go on. */
  silence(isSilent: boolean): void;
  /** The number of agents that have done their work here. */
  succeeded(): number;
  /** The number of containers that exist. */
  left(): number;
  /** The agents that began while another attempt of theirs was at work. */
  readonly doubled: readonly string[];
}

type Command = (args: readonly string[], options: DockerOptions) => Reply;

const daemon = (message: string): Reply => ({ stderr: `Error response from daemon: ${message}` });

/** Create an engine with room for so many agents of one gigabyte each. */
export function simulatedEngine(
  name: string,
  { rooms, ...options }: ContainerOptions & { readonly rooms: number },
): SimulatedEngine {
  const containers = simulatedContainers(name, options);
  const { byId, emit, end, create, work } = containers;
  const exec: Command = ([, ...args], { env = {}, onStdout }) => {
    const container = args.map(arg => byId.get(arg)).find(found => found !== undefined);
    if (container?.state !== 'running') return daemon('container x is not running');
    for (const action of ['exec_create: x', 'exec_start: x', 'exec_die']) emit(action, container);
    if (args.includes('agent-lease')) {
      const until = Number(env.AGENT_LEASE_UNTIL ?? 0) * 1000;
      if (container.leaseUntil !== null) container.leaseUntil = Math.max(container.leaseUntil, until);
      return { stdout: `${(options.clock.elapsed() / 1000).toFixed(2)}\n` };
    }
    void work(container);
    onStdout?.('ready\n');
    return { stdout: 'ready\nstarted\n' };
  };
  const commands: Readonly<Record<string, Command>> = {
    ...engineOutput(name, rooms),
    exec,
    create: args => ({ stdout: `${create(args).id}\n` }),
    start([, id = '']) {
      const container = byId.get(id)!;
      container.state = 'running';
      emit('start', container);
      return { stdout: `${id}\n` };
    },
    logs: ([, id = '']) => ({ stdout: `hello\n${byId.get(id)?.end}\n` }),
    ps(args) {
      const filters = flags(args, 'filter').map(filter => filter.slice('label='.length).split('='));
      const matches = (labels: Readonly<Record<string, string>>) =>
        filters.every(([key, value]) => labels[key!] === value);
      return {
        stdout: [...byId.values()].flatMap(box => (matches(box.labels) ? listed(box) : [])).join('\n'),
      };
    },
    container: ([, , ...ids]) => ({
      stdout: JSON.stringify(ids.flatMap(id => (byId.has(id) ? inspected(byId.get(id)!) : []))),
    }),
    rm(args) {
      const id = args.at(-1)!;
      const container = byId.get(id);
      if (container === undefined) return daemon(`No such container: ${id}`);
      end(container, 'signal', 137);
      byId.delete(id);
      emit('destroy', container);
      return { stdout: `${id}\n` };
    },
  };
  return {
    name,
    memory: rooms * gigabyte,
    reply: (args, given) =>
      commands[args[0]!]?.(args, given) ?? { stderr: `docker: unexpected ${args.join(' ')}` },
    follow: containers.follow,
    isSilent: containers.isHeld,
    silence: containers.hold,
    succeeded: containers.succeeded,
    left: () => byId.size,
    doubled: containers.doubled,
  };
}
