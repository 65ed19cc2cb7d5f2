import type { StepInput } from '../../../machines/agent-types.ts';
import type { ActorContext } from '../../../src/actors/context.ts';
import type { Docker, DockerOptions, DockerResult } from '../../../src/docker/cli.ts';
import type { Container, Containers } from '../../../src/docker/containers.ts';
import { type EngineInfo, unrestrictedEngine } from '../../../src/docker/engine-info.ts';
import { label } from '../../../src/docker/labels.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import type { RunEventBody } from '../../../src/events.ts';
import type { RunNetworks } from '../../../src/networks/networks.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { defaultPlan } from './default-plan.ts';

export const id = 'c0ffee'.padEnd(64, '0');
export const never = new AbortController().signal;
export const end = { exitCode: 0, oomKilled: false, reason: 'died', at: 5 } as const;
export const identity = {
  instance: 'i234567890123456',
  runId: 'r1234567',
  attempt: 1,
  specHash: 'f00d',
  nonce: 'n1',
};
export const labels = {
  [label.instance]: identity.instance,
  [label.runId]: identity.runId,
  [label.agent]: 'a',
  [label.attempt]: '1',
  [label.specHash]: identity.specHash,
};
export const input: StepInput = {
  name: 'a',
  attempt: 1,
  containerId: id,
  image: 'sha256:1',
  injectedAt: null,
  inDoubt: false,
  cancelled: false,
};
export const agent = (fields: Partial<AgentPlan> = {}) => ({ ...defaultPlan, name: 'a', ...fields });

/** Ports of a run whose engine has the files of this machine. */
export const sameFiles = {
  cloneVolume: () => null,
  isHostLost: () => false,
  rounds: () => [],
  attempts: () => [],
  async sentRepository(): Promise<never> {
    throw new Error('no repository is sent to an engine with our files');
  },
  gitSetting: async () => null,
  recorder: nullRecorder,
};

/** Networks that exist, without a broker. */
export const noNetworks: RunNetworks = {
  ensure: async () => {},
  grant: async () => {
    throw new Error('there is no proxy for secrets');
  },
  readBlocked: async () => {},
  blocked: () => [],
  keep: async () => {},
  limit: async () => {},
  readUsage: async () => {},
  counted: () => null,
  attach: async () => {},
  close: async () => false,
};

type Respond = (args: readonly string[], options: DockerOptions) => Partial<DockerResult> | undefined;

/** A docker client whose commands succeed without output unless `respond` returns an answer. `calls` has them as text. */
export function fakeClient(respond: Respond = () => undefined) {
  const calls: string[] = [];
  const docker: Docker = async (args, options = {}) => {
    calls.push(args.join(' '));
    const response = respond(args, options) ?? {};
    const ok = response.ok ?? response.stderr === undefined;
    return { args, ok, exitCode: ok ? 0 : 1, stdout: '', stderr: '', interrupted: null, ...response };
  };
  return { docker, calls };
}

/** A container client over a list of existing containers, which a test may change. */
export function fakeContainers(existing: Partial<Container>[] = []) {
  const removed: string[] = [];
  const containers: Containers = {
    list: async () => existing.map(found => ({ id: found.id!, state: 'created', name: '', labels: '' })),
    inspect: async ids =>
      existing.filter(({ id, name }) => [id, name].some(key => ids.includes(key!))) as Container[],
    async remove(id) {
      removed.push(id);
      existing.splice(0, existing.length, ...existing.filter(found => found.id !== id));
      return { args: ['rm'], ok: true, exitCode: 0, stdout: '', stderr: '', interrupted: null };
    },
  };
  return { containers, removed };
}

/** A watcher whose container ends with `result`, or never if that is null. `checks` has the calls of `checkNow`. */
export function fakeWatcher(result: typeof end | null) {
  const checks: string[] = [];
  const waitForEnd = (_: string, signal: AbortSignal): Promise<typeof end> =>
    result === null
      ? new Promise((_, reject) => {
          // Timers of signals do not keep a process alive. A wait with a signal has to, and an endless one must not.
          const alive = signal === never ? undefined : setInterval(() => {}, 1_000);
          const stop = () => {
            clearInterval(alive);
            reject(signal.reason);
          };
          if (signal.aborted) stop();
          signal.addEventListener('abort', stop);
        })
      : Promise.resolve(result);
  const watcher: ActorContext['watcher'] = {
    ended: waitForEnd,
    checkNow: () => void checks.push('check'),
    waitUntilReachable: async () => {},
    closed: Promise.resolve(),
  };
  return { watcher, checks };
}

/** A clock that stands at 7 and whose sleeps end at once. `slept` has their milliseconds. */
export function fakeClock() {
  const slept: number[] = [];
  const sleep = async (ms: number, signal: AbortSignal) => {
    signal.throwIfAborted();
    slept.push(ms);
  };
  return { clock: { now: () => 7, elapsed: () => 7, sleep }, slept };
}

export function fakeJournal() {
  const events: RunEventBody[] = [];
  const messages = () => events.flatMap(event => (event.type === 'warning' ? event.message : []));
  return { emit: async (event: RunEventBody) => void events.push(event), events, messages };
}

export const engine: EngineInfo = {
  ...unrestrictedEngine,
  id: 'e1',
  cpus: 4,
} as EngineInfo;

/**
 * Ports whose helper containers print `respond`, or start with what it returns. `calls` has the creates and starts of
 * helpers.
 */
export function helperPorts(respond: string | Respond = '') {
  const { docker, calls } = fakeClient((args, options) => {
    if (args[0] === 'create') return { stdout: `${id}\n` };
    if (args[0] !== 'start') return undefined;
    return typeof respond === 'string' ? { stdout: respond } : respond(args, options);
  });
  const { clock, slept } = fakeClock();
  const { containers } = fakeContainers();
  const ports = {
    clock,
    docker,
    containers,
    engine,
    helperImage: async () => 'sha256:helper',
    provider: () => undefined,
    identity: (_: string, attempt: number) => ({ ...identity, attempt }),
  };
  const created = () => calls.filter(call => call.startsWith('create '));
  return { ports, calls, slept, created };
}

/** Return the error that a promise rejects with, and throw if it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { kind?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not reject');
}
