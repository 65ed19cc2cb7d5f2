import { label } from '../../../src/docker/labels.ts';
import { flagPairs, flags } from './flags.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface SimulatedContainer {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly nonce: string;
  /** Milliseconds; null without a lease. */
  leaseUntil: number | null;
  state: 'created' | 'running' | 'exited';
  /** The last line of its output. */
  end: string;
  exitCode: number;
}

export interface ContainerOptions {
  readonly clock: VirtualClock;
  /** Milliseconds that an agent works, at random between half of it and one and a half times as long. */
  readonly workMs: number;
  /** The number of attempts that are at work, by agent, of all engines. */
  readonly alive: Map<string, number>;
}

const never = new AbortController().signal;

/** The containers of an engine, with their events. */
export function simulatedContainers(engine: string, { clock, workMs, alive }: ContainerOptions) {
  const byId = new Map<string, SimulatedContainer>();
  const events = eventStream(clock);
  const doubled: string[] = [];
  let created = 0;
  let succeeded = 0;
  const emit = (Action: string, { id, labels }: SimulatedContainer, more = {}) =>
    events.send({ Type: 'container', Action, Actor: { ID: id, Attributes: { ...labels, ...more } } });
  const end = (container: SimulatedContainer, reason: string, exitCode: number) => {
    if (container.state !== 'running') return;
    container.state = 'exited';
    container.exitCode = exitCode;
    container.end = `agent-end ${reason} ${exitCode} 0 ${container.nonce}`;
    const agent = container.labels[label.agent]!;
    alive.set(agent, (alive.get(agent) ?? 1) - 1);
    succeeded += Number(reason === 'exit');
    emit('die', container, { exitCode: String(exitCode) });
  };
  return {
    byId,
    emit,
    end,
    follow: events.follow,
    isHeld: events.isHeld,
    hold: events.hold,
    succeeded: () => succeeded,
    doubled,
    create(args: readonly string[]): SimulatedContainer {
      const env = flagPairs(args, 'env');
      const id = `${engine}${(++created).toString(16)}`.replace(/[^0-9a-f]/g, '').padStart(64, 'c0ffee');
      const container: SimulatedContainer = {
        ...{ id, name: flags(args, 'name')[0]!, labels: flagPairs(args, 'label'), nonce: env.AGENT_NONCE! },
        leaseUntil: env.AGENT_LEASE === undefined ? null : clock.elapsed() + Number(env.AGENT_LEASE) * 1000,
        ...{ state: 'created', end: '', exitCode: 0 },
      };
      byId.set(id, container);
      emit('create', container);
      return container;
    },
    /** Let the agent work until it is done, or its lease has run out. */
    async work(container: SimulatedContainer): Promise<void> {
      const agent = container.labels[label.agent]!;
      const others = alive.get(agent) ?? 0;
      if (others > 0) doubled.push(agent);
      alive.set(agent, others + 1);
      void clock.sleep(workMs * (0.5 + Math.random()), never).then(() => end(container, 'exit', 0));
      while (container.leaseUntil !== null && container.state === 'running') {
        await clock.sleep(container.leaseUntil - clock.elapsed(), never);
        if (container.leaseUntil <= clock.elapsed()) end(container, 'lease', 143);
      }
    },
  };
}

/** Events for any number of streams. While they are held, they wait. */
function eventStream(clock: VirtualClock) {
  const streams = new Set<(line: string) => void>();
  let isHeld = false;
  let waiting: string[] = [];
  return {
    send(event: object) {
      const line = JSON.stringify({ ...event, scope: 'local', time: Math.floor(clock.now() / 1000) });
      if (isHeld) waiting.push(line);
      else for (const onLine of streams) onLine(line);
    },
    isHeld: () => isHeld,
    hold(next: boolean) {
      isHeld = next;
      if (isHeld) return;
      const lines = waiting;
      waiting = [];
      for (const line of lines) for (const onLine of streams) onLine(line);
    },
    /** Pass on events until the signal fires. */
    follow: (onLine: (line: string) => void, signal: AbortSignal) =>
      new Promise<void>(resolve => {
        streams.add(onLine);
        const stop = () => {
          streams.delete(onLine);
          resolve();
        };
        if (signal.aborted) stop();
        else signal.addEventListener('abort', stop, { once: true });
      }),
  };
}
