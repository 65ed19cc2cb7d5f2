import { setTimeout as delay } from 'node:timers/promises';
import { asStepError } from '../../machines/step-error.ts';
import { type Docker, type DockerResult, dockerCli } from '../docker/cli.ts';
import { clientSetting } from '../docker/client-settings.ts';
import {
  currentAddress,
  currentContext,
  defaultContext,
  type EngineAddress,
  inContext,
} from '../docker/engine-address.ts';
import { engineHint } from '../docker/engine-hint.ts';
import { callInfo, type EngineInfo, engineInfo, mayBeOtherContext } from '../docker/engine-info.ts';
import { refusingSplitMounts } from '../docker/podman.ts';
import { type Reads, startReads, withReadResults } from '../docker/read-ahead.ts';
import { nullRecorder, type Recorder } from '../docker/recorder.ts';
import { isSsh, isSshFailure, isSshRefusal, pinnedApi } from '../docker/ssh.ts';
import { EngineError } from '../errors.ts';
import type { RunEngine } from '../store/run-file.ts';

/** A Docker engine that can be reached. Every call to it goes through these. */
export interface EngineConnection {
  readonly docker: Docker;
  readonly recorder: Recorder;
  readonly engine: EngineInfo;
  readonly address: EngineAddress;
}

/** A run and the engine that it began on. */
export interface RunOnEngine {
  readonly runId: string;
  readonly engine: RunEngine;
  /** The docker context that its spec names; null without one. */
  readonly context: string | null;
}

export const runEngineOf = ({ engine: { id, hostName }, address }: EngineConnection): RunEngine => ({
  id,
  hostName,
  address,
});

/** Connect to the engine of a run, for a command that has no journal. Throws as `reachRunEngine` does. */
export const connectTo = (run: RunOnEngine, timeout?: number): Promise<EngineConnection> =>
  reachRunEngine(run, nullRecorder, timeout);

interface ReachOptions {
  /** Milliseconds for `docker info`. */
  readonly timeout?: number | undefined;
  readonly context?: string | null;
  readonly reads?: Reads;
}

const noReads: Reads = { calls: [], signal: new AbortController().signal };

/**
 * Connect to the engine of a context, or to the one that docker reaches from this process now. Where the default context is likely, `docker info` and the
 * reads run beside `docker context inspect`.
 */
export async function reachCurrent(
  recorder: Recorder = nullRecorder,
  { timeout, context = null, reads = noReads }: ReachOptions = {},
): Promise<EngineConnection> {
  const env = inContext(context, process.env);
  const docker = dockerCli(context === null ? recorder : recorder.to(namedContext(context)));
  const unused = new AbortController();
  const current = currentContext(docker, env);
  const signal = AbortSignal.any([unused.signal, reads.signal]);
  const early = hasDefaultContext(env) ? callEarly(docker, { timeout, reads: { ...reads, signal } }) : null;
  const { name, address } = await current;
  const result = name === defaultContext ? ((await early?.info.catch(() => null)) ?? null) : null;
  // The address of one call is recorded with the id of the other: both must have used the same engine.
  if (early !== null && result !== null && !mayBeOtherContext(result, defaultContext))
    return reachEngine(recorder, address, { timeout, context }, early);
  unused.abort();
  return reachEngine(recorder, address, { timeout, context, reads });
}

/** The address of a docker context by its name. */
export const namedContext = (name: string): EngineAddress => ({ host: '', env: { DOCKER_CONTEXT: name } });

/** Call `docker info`, and make the reads beside it. */
function callEarly(docker: Docker, { timeout, reads = noReads }: ReachOptions) {
  const info = callInfo(docker, { ...(timeout !== undefined && { timeout }), signal: reads.signal });
  // Handle the rejection of a result that is never used.
  info.catch(() => {});
  return { info, results: startReads(docker, reads) };
}

/** Return whether the environment and the docker client's settings select the default context. */
const hasDefaultContext = (env: ReturnType<typeof inContext>): boolean =>
  !env.DOCKER_HOST &&
  (env.DOCKER_CONTEXT || clientSetting('currentContext', env) || defaultContext) === defaultContext;

async function reachEngine(
  from: Recorder,
  address: EngineAddress,
  options: ReachOptions,
  known: ReturnType<typeof callEarly> | null = null,
): Promise<EngineConnection> {
  const { recorder, docker } = isSsh(address.host)
    ? await throughSsh(from, address, options.timeout)
    : clientOf(from.to(address));
  const { info, results } = known ?? callEarly(docker, options);
  try {
    const hint = () => engineHint(address.host, inContext(options.context ?? null, process.env));
    const engine = await engineInfo(docker, { timeout: options.timeout, hint, info });
    const checked = engine.isPodman ? refusingSplitMounts(docker) : docker;
    return { docker: withReadResults(checked, results), recorder, address, engine };
  } catch (error) {
    throw new EngineError(asStepError(error).message, { cause: error });
  }
}

const clientOf = (recorder: Recorder) => ({ recorder, docker: dockerCli(recorder) });

const sshTries = 4;
const sshBackoffMs = 1_000;

/** Return a docker client that keeps to one version of the API. An ssh server that is busy is tried again. */
async function throughSsh(from: Recorder, address: EngineAddress, timeout: number | undefined) {
  const first = repeated(clientOf(from.to(address)).docker, isSshFailure);
  // The time is for all tries together.
  const limit = timeout === undefined ? {} : { timeout, signal: AbortSignal.timeout(timeout) };
  const limited: Docker = (args, options) => first(args, { ...options, ...limit });
  const pinned = await pinnedApi(limited, process.env);
  const client = clientOf(from.to({ ...address, env: { ...address.env, ...pinned } }));
  // A command that passes on the output of a container has several connections, and may have run with some of them.
  const wasRefused = (result: DockerResult) => result.printed === undefined && isSshRefusal(result);
  return { ...client, docker: repeated(client.docker, wasRefused) };
}

/** Repeat a call with such a result a few times. Any call may run twice (I3). */
const repeated =
  (docker: Docker, isFailure: (result: DockerResult) => boolean): Docker =>
  async (args, options) => {
    for (let tried = 1; ; tried++) {
      const result = await docker(args, options);
      if (tried === sshTries || !isFailure(result) || options?.signal?.aborted) return result;
      await delay(sshBackoffMs * tried, undefined, { signal: options?.signal }).catch(() => {});
    }
  };

/**
 * Try the address of the engine when the run began, then the address that docker uses now, and that of the context of the
 * run: any of them may have changed since.
 * An engine with another id does not have the run's containers, which would be taken for removed. Throws an `EngineError` if
 * it is not found.
 */
export async function reachRunEngine(
  { runId, engine, context }: RunOnEngine,
  recorder: Recorder,
  timeout?: number,
): Promise<EngineConnection> {
  const failures: string[] = [];
  const unreachable: unknown[] = [];
  const tried = new Set<string>();
  const addresses = [
    () => Promise.resolve(engine.address),
    () => currentAddress(dockerCli(recorder), process.env),
    ...(context === null
      ? []
      : [
          () =>
            currentAddress(dockerCli(recorder.to(namedContext(context))), inContext(context, process.env)),
        ]),
  ];
  for (const addressOf of addresses) {
    const address = await addressOf();
    const key = JSON.stringify(address.env);
    if (tried.has(key)) continue;
    tried.add(key);
    const where = address.host || "docker's default address";
    try {
      const found = await reachEngine(recorder, address, { timeout });
      const { id, hostName } = found.engine;
      // At another address the machine must match too: the engine of a copied machine has the same id.
      const isSame = id === engine.id && (address === engine.address || hostName === engine.hostName);
      if (isSame) return found;
      failures.push(`the engine at ${where} is ${id} on ${hostName}`);
    } catch (error) {
      unreachable.push(error);
      failures.push(`no engine responds at ${where}`);
    }
  }
  // The error of a single address has more details.
  if (unreachable.length === tried.size && unreachable.length === 1) throw unreachable[0];
  const place = engine.address.host === '' ? '' : ` at ${engine.address.host}`;
  throw new EngineError(
    `run ${runId} is on the Docker engine ${engine.id}${place}, which was not found: ${failures.join('; ')}. Start that engine, or name it with --context or DOCKER_HOST. If it is gone for good: agent-flow resume --new-engine ${runId}`,
  );
}
