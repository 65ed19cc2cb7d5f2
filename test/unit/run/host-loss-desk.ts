import type { ActorContext } from '../../../src/actors/context.ts';
import { raceAbort } from '../../../src/async/race-abort.ts';
import type { RunEvent, RunEventBody } from '../../../src/events.ts';
import type { FlowDriver } from '../../../src/run/drive.ts';
import type { Fleet } from '../../../src/run/fleet.ts';
import { watchHostLoss } from '../../../src/run/host-loss.ts';
import type { OpenRun } from '../../../src/run/open-run.ts';
import { trackRun } from '../../../src/run/track-run.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import {
  agent,
  end,
  fakeClient,
  fakeContainers,
  fakeWatcher,
  id,
  identity,
  noNetworks,
} from '../_helpers/actor-ports.ts';
import { at, enters, started } from '../_helpers/story.ts';
import { virtualTime } from '../_helpers/virtual-time.ts';

export const minute = 60_000;
export const grace = 10 * minute;
/** The host of an event; that of the run if it has none. */
type On = { readonly host?: string };
export const h2 = { host: 'h2' };
/** On the engine of the run. */
export const unplaced: Partial<AgentPlan> = { onHostLost: 'fail', hostGrace: grace };
export const fails: Partial<AgentPlan> = { ...unplaced, placement: h2 };
export const retries: Partial<AgentPlan> = { ...fails, onHostLost: 'retry' };

export const creates = (attempt = 1) =>
  at(1, { type: 'docker.call', call: 1, agent: 'a', attempt, argv: ['docker', 'create', 'image'] });
export const places = (host: string, attempt = 1) =>
  at(1, { type: 'agent.placed', agent: 'a', attempt, host });
/** Agent `a` runs in a container. */
export const running = [
  started({ a: [] }),
  creates(),
  enters(1, 'a', 'running.working', { containerId: id }),
];

export interface Situation {
  readonly plan?: Partial<AgentPlan>;
  readonly story?: readonly RunEvent[];
  /** When the lease of the container with `id` ends. */
  readonly leaseEndsAt?: number | null;
  readonly isScheduled?: boolean;
  /** Containers of the host. */
  readonly existing?: Parameters<typeof fakeContainers>[0];
  /** A call that the engine of the host refuses. */
  readonly refused?: string;
}

/** A run of agent `a`, whose host can be reached when `back` is called. `log` has what is done, in order. */
export function desk({
  plan = fails,
  story = running,
  leaseEndsAt = null,
  isScheduled = false,
  existing = [{ id }],
  refused = 'none',
}: Situation = {}) {
  const time = virtualTime();
  const tracker = trackRun(['a']);
  for (const event of story) tracker.apply(event);
  const log: string[] = [];
  const events: RunEventBody[] = [];
  const listeners: ((event: RunEvent) => void)[] = [tracker.apply];
  const disk = { written: Promise.resolve() };
  const append = async (body: RunEventBody) => {
    events.push(body);
    log.push(body.type);
    for (const listener of listeners) listener(at(time.now() / 1_000, body));
    await disk.written;
  };
  const ending = new AbortController();
  const reached = Promise.withResolvers<void>();
  const agents = [agent({ workspace: { mode: 'clone', path: '/', repository: '/', from: null }, ...plan })];
  const open = {
    run: { plan: { name: 'f', concurrency: null, agents } },
    journal: { append, subscribe: (listener: (event: RunEvent) => void) => void listeners.push(listener) },
    clock: { now: time.now, elapsed: time.now, sleep: time.sleep },
    ...{ tracker, ending },
  } as unknown as OpenRun;
  const reaches: (string | null)[] = [];
  const fleet = {
    hostOf: () => (isScheduled ? tracker.record('a').host : (agents[0]!.placement?.host ?? null)),
    async reach(host: string | null, signal: AbortSignal) {
      reaches.push(host);
      await raceAbort(reached.promise, signal);
      return hostOf(open, append, { log, existing, refused });
    },
    scheduler: isScheduled
      ? { release: async (scope: object) => void log.push(`release ${JSON.stringify(scope)}`) }
      : null,
  } as unknown as Fleet;
  const driver = { loseHost: (name: string) => void log.push(`lose ${name}`) } as FlowDriver;
  const leases = {
    leaseEndsAt: ({ containerId }: { containerId: string | null }) =>
      containerId === id ? leaseEndsAt : null,
  } as never;
  const loss = watchHostLoss(open, fleet, { driver, leases });
  const ended = () => events.filter(({ type }) => type === 'attempt.ended');
  return {
    ...{ ...time, append, log, events, ended, ending, reaches, disk, settle: loss.settle },
    away: (on: On = h2) => append({ type: 'engine.unreachable', ...on, message: 'silent' }),
    async back(on: On = h2) {
      await append({ type: 'engine.reachable', ...on });
      reached.resolve();
      await time.pass(5_000);
    },
    warnings: () => events.flatMap(event => (event.type === 'warning' ? event.message : [])),
  };
}

/** The ports on a host that has come back. Output is not redacted, so that none is kept. */
function hostOf(
  { clock, tracker, run }: OpenRun,
  emit: (event: RunEventBody) => Promise<void>,
  { log, existing, refused }: { log: string[] } & Required<Pick<Situation, 'existing' | 'refused'>>,
): ActorContext {
  const { docker } = fakeClient(args => {
    const [verb] = args;
    log.push(args.join(' '));
    const stdout = verb === 'logs' ? `agent-end exit 0 0 ${identity.nonce}\n` : '';
    return verb === refused ? { stderr: 'Cannot connect to the Docker daemon' } : { stdout };
  });
  const { containers } = fakeContainers(existing);
  return {
    ...{ clock, docker, emit, watcher: fakeWatcher(end).watcher },
    containers: {
      ...containers,
      async remove(found: string) {
        log.push(`rm ${found}`);
        return containers.remove(found);
      },
    },
    plan: () => run.plan.agents[0]!,
    provider: () => undefined,
    identity: () => identity,
    transcript: (name: string, attempt: number) => `/runs/${name}/${attempt}`,
    folder: () => '/nowhere',
    clone: () => null,
    cloneVolume: () => null,
    originCommit: () => ({ commit: 'c1' }),
    deadlineSignal: () => new AbortController().signal,
    networks: noNetworks,
    seals: {
      async unseal() {
        if (refused === 'unseal') throw new Error('no key');
        return 'no key';
      },
    },
    savedWork: () => tracker.attempts('a').find(({ isSaved }) => isSaved) ?? null,
  } as unknown as ActorContext;
}
