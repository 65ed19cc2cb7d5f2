import { PassThrough, type Readable } from 'node:stream';
import type { DockerOptions, DockerResult } from '../../../src/docker/cli.ts';
import type { CallEnd } from '../../../src/docker/recorder.ts';
import { type CallCounter, callCounter } from './call-counter.ts';
import { type Reply, type SimulatedEngine, simulatedEngine } from './simulated-engine.ts';
import { simulatedSwarm } from './simulated-swarm.ts';
import type { VirtualClock } from './virtual-clock.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface SimulationOptions {
  readonly clock: VirtualClock;
  /** The number of engines beside that of the manager. */
  readonly engines: number;
  /** Room for so many agents on each engine. */
  readonly rooms: number;
  /** Milliseconds that an agent works, at random between half of it and one and a half times as long. */
  readonly workMs: number;
}

/** The name of the docker context of the manager of the Swarm. */
export const managerName = 'manager';

const engineNames = (count: number) => Array.from({ length: count }, (_, index) => `h${index + 1}`);

export interface Simulation {
  readonly counter: CallCounter;
  /** By name. */
  readonly engines: ReadonlyMap<string, SimulatedEngine>;
  /** The names of the engines that agents are placed on. */
  readonly names: readonly string[];
  /** The reservations that exist, by name. */
  readonly services: ReadonlyMap<string, unknown>;
  call(env: Environment, args: readonly string[], options: DockerOptions): Promise<DockerResult>;
  /** Start a command whose output is streamed. */
  follow(
    env: Environment,
    args: readonly string[],
    options: DockerOptions,
  ): { stdout: Readable; stderr: Readable; stop: () => void; ended: Promise<CallEnd> };
}

let current: Simulation | null = null;

/** Return the engines that this process calls in place of docker. */
export const simulation = (): Simulation => current!;

/** Create the engines of a Docker Swarm, to which docker commands of this process go from now on. */
export function simulate({ clock, engines: count, rooms, workMs }: SimulationOptions): Simulation {
  const never = new AbortController().signal;
  const names = engineNames(count);
  const counter = callCounter(clock.elapsed);
  const alive = new Map<string, number>();
  const engines = new Map<string, SimulatedEngine>(
    [managerName, ...names].map(name => [name, simulatedEngine(name, { clock, rooms, workMs, alive })]),
  );
  const swarm = simulatedSwarm(
    names.map(name => engines.get(name)!),
    clock,
  );
  const engineOf = ({ DOCKER_HOST, DOCKER_CONTEXT }: Environment) =>
    engines.get(/^tcp:\/\/(\w+)/.exec(DOCKER_HOST ?? '')?.[1] ?? DOCKER_CONTEXT ?? managerName)!;

  const ofSwarm = ({ name }: SimulatedEngine, args: readonly string[]) =>
    name === managerName ? swarm.reply(args) : null;
  /** Reply as the engine, once its call has taken its time. One that is silent never replies. */
  const reply = async (engine: SimulatedEngine, args: readonly string[], options: DockerOptions) => {
    const { timeout = 60_000, signal = never } = options;
    const end = counter.begin(engine.name === managerName, args);
    try {
      const ms = latencyOf(args);
      if (!engine.isSilent() && ms <= timeout) {
        await clock.sleep(ms, signal);
        if (!engine.isSilent()) return ofSwarm(engine, args) ?? engine.reply(args, options);
      }
      await clock.sleep(timeout, signal);
      return 'timeout' as const;
    } catch {
      return 'aborted' as const;
    } finally {
      end();
    }
  };

  current = {
    ...{ counter, engines, names },
    services: swarm.services,
    async call(env: Environment, args: readonly string[], options: DockerOptions): Promise<DockerResult> {
      return resultOf(args, await reply(engineOf(env), args, options));
    },
    follow(env: Environment, args: readonly string[], options: DockerOptions) {
      const engine = engineOf(env);
      const stdout = new PassThrough();
      const stderr = new PassThrough();
      const stopped = new AbortController();
      const signal = AbortSignal.any([stopped.signal, options.signal ?? never]);
      const run = async (): Promise<CallEnd> => {
        if (args[0] === 'events') {
          await engine.follow(line => stdout.write(`${line}\n`), signal);
          stdout.end();
          return resultOf(args, 'aborted');
        }
        const result = resultOf(args, await reply(engine, args, { ...options, signal }));
        stdout.end(result.stdout);
        return result;
      };
      return { stdout, stderr, stop: () => stopped.abort(), ended: run() };
    },
  };
  return current;
}

function resultOf(args: readonly string[], reply: Reply | 'timeout' | 'aborted'): DockerResult {
  if (typeof reply === 'string')
    return { args, ok: false, exitCode: null, stdout: '', stderr: '', interrupted: reply };
  const { stdout = '', stderr = '' } = reply;
  const ok = stderr === '';
  return { args, ok, exitCode: ok ? 0 : 1, stdout, stderr, interrupted: null };
}

/** Milliseconds of docker's calls, as measured on an engine in the same network; more for each id. */
const latencies: Readonly<Record<string, number>> = {
  create: 60,
  start: 400,
  exec: 100,
  rm: 100,
  logs: 60,
  'service create': 250,
  'service rm': 200,
  'service ps': 150,
};

const perIdMs = 1;

function latencyOf(args: readonly string[]): number {
  const verb = args.slice(0, 2).join(' ');
  const ids = args.includes('--') ? args.length - args.indexOf('--') - 1 : 1;
  return (latencies[verb] ?? latencies[args[0]!] ?? 50) + (ids - 1) * perIdMs;
}
