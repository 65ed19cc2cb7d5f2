import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { noOutsideNames } from '../agent-container/proxy-env.ts';
import { dockerError } from '../docker/classify-error.ts';
import type { Docker } from '../docker/cli.ts';
import { createNamedContainer } from '../docker/create-container.ts';
import { labelFlags, ownedLabels, type RunOwner } from '../docker/labels.ts';
import { wholeOutput } from '../docker/log-driver.ts';
import { limitFlags, type SupportedLimits } from '../docker/resource-limits.ts';
import { EngineError } from '../errors.ts';
import { ensureRunNetwork, removeRunNetwork } from '../networks/run-networks.ts';
import { serviceSandbox } from '../networks/service-sandbox.ts';
import { orEngineError } from './engine-failure.ts';

/** The stub of a model's APIs, in a container of its own on an internal network of its own. */
export interface ModelServer {
  /** The name of its network. */
  readonly network: string;
  readonly url: string;
  /** Return what it has observed so far. */
  observed(): Promise<StubObservation[]>;
  /** Remove container and network. Throws an `EngineError` if one remains. */
  remove(): Promise<void>;
}

const text = z.string().max(500);

/** A line of its log. The requests are those of an agent, which may be anything. */
const observation = z.object({
  event: text,
  api: text.optional(),
  nonce: text.optional(),
  earlier: z.array(text).optional(),
  credential: text.optional(),
  method: text.optional(),
  path: text.optional(),
});

export type StubObservation = z.infer<typeof observation>;

/** The host name of the stub, and its port. */
const host = 'model-stub';
const port = 8080;

/** A user without rights or files in its image. */
const user = 65_534;

const startTimeoutMs = 60_000;
const pollIntervalMs = 100;

interface ServerOptions {
  readonly docker: Docker;
  readonly owner: RunOwner;
  /** Id. */
  readonly image: string;
  readonly supportedLimits: SupportedLimits;
  readonly signal: AbortSignal;
}

const namesOf = ({ runId }: RunOwner) => ({
  container: `tmux-agent-${runId}-model-stub`,
  network: `tmux-agents-${runId}-model-stub`,
});

/** Return the `docker create` of the stub. */
export function modelServerArgs({ owner, image, supportedLimits }: Omit<ServerOptions, 'docker' | 'signal'>) {
  const names = namesOf(owner);
  return [
    'create',
    `--name=${names.container}`,
    `--network=${names.network}`,
    `--network-alias=${host}`,
    ...noOutsideNames,
    '--init',
    ...serviceSandbox(`${user}:${user}`),
    ...limitFlags({ memory: '512m', pids: 64 }, supportedLimits),
    ...wholeOutput,
    '--log-opt=max-size=5m',
    '--log-opt=max-file=1',
    ...labelFlags(ownedLabels(owner, 'model-stub')),
    '--',
    image,
  ];
}

/** Start the stub. If it does not start, or `signal` is aborted, everything is removed, and this throws. */
export async function startModelServer(options: ServerOptions): Promise<ModelServer> {
  const { docker, owner, signal } = options;
  const names = namesOf(owner);
  const readLog = async () => {
    const result = await docker(['logs', names.container], { timeout: 30_000, isLog: true });
    if (!result.ok) throw dockerError(result, { operation: 'read the log of the model stub' });
    return result.stdout.split('\n');
  };
  const server: ModelServer = {
    network: names.network,
    url: `http://${host}:${port}`,
    observed: async () => (await orEngineError(readLog())).flatMap(observationIn),
    remove: () => removeAll(docker, owner),
  };
  try {
    await ensureRunNetwork({ name: names.network, kind: 'internal' }, { docker, signal, ...owner });
    await createNamedContainer(docker, modelServerArgs(options), {
      operation: 'create the model stub',
      signal,
    });
    const started = await docker(['start', names.container], { timeout: 120_000, signal, isMutation: true });
    if (!started.ok) throw dockerError(started, { operation: 'start the model stub' });
    await untilListening(readLog, signal);
    return server;
  } catch (error) {
    await server.remove();
    throw error;
  }
}

async function untilListening(readLog: () => Promise<string[]>, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + startTimeoutMs;
  while (!(await readLog()).includes('listening')) {
    if (performance.now() > deadline)
      throw new EngineError(`the model stub did not start within ${startTimeoutMs / 1000} s`);
    await delay(pollIntervalMs, undefined, { signal });
  }
}

function observationIn(line: string): StubObservation[] {
  try {
    return [observation.parse(JSON.parse(line))];
  } catch {
    return [];
  }
}

/** Also when this process was asked to end, so without its signal. */
async function removeAll(docker: Docker, owner: RunOwner): Promise<void> {
  const { container, network } = namesOf(owner);
  const removed = await docker(['rm', '--force', '--volumes', container], {
    timeout: 60_000,
    isMutation: true,
  });
  const left = await docker(['network', 'ls', '--quiet', '--no-trunc', `--filter=name=^${network}$`]);
  const problems = [];
  if (!removed.ok && !/no such container/i.test(removed.stderr)) problems.push(removed.stderr.trim());
  for (const id of left.stdout.split('\n').filter(Boolean)) {
    const why = (await removeRunNetwork(docker, id))?.why;
    if (why !== undefined) problems.push(why);
  }
  if (problems.length > 0)
    throw new EngineError(
      `the model stub could not be removed: ${problems.join('; ')}. Run agent-flow cleanup`,
    );
}
