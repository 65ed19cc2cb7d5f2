import { asStepError } from '../../machines/step-error.ts';
import { type Clock, systemClock } from '../clock.ts';
import { type Docker, dockerCli } from '../docker/cli.ts';
import { clientSetting } from '../docker/client-settings.ts';
import {
  currentAddress,
  currentContext,
  defaultContext,
  type EngineAddress,
} from '../docker/engine-address.ts';
import { engineHint } from '../docker/engine-hint.ts';
import { callInfo, type EngineInfo, engineInfo, mayBeOtherContext } from '../docker/engine-info.ts';
import { refusingSplitMounts } from '../docker/podman.ts';
import { type Reads, startReads, withReadResults } from '../docker/read-ahead.ts';
import { nullRecorder, type Recorder, recorder as recorderOf } from '../docker/recorder.ts';
import { EngineError } from '../errors.ts';
import type { Redactor } from '../secrets/redact.ts';
import { bufferedSink } from '../store/buffered-sink.ts';
import type { RunEngine } from '../store/run-file.ts';

/** A Docker engine that can be reached. Every call to it goes through these. */
export interface EngineConnection {
  readonly docker: Docker;
  readonly recorder: Recorder;
  readonly engine: EngineInfo;
  readonly address: EngineAddress;
}

/** An engine connection with the calls that were made before there was a journal. */
export interface Connection extends EngineConnection {
  readonly early: ReturnType<typeof bufferedSink>;
}

export interface ConnectOptions {
  readonly clock?: Clock | undefined;
  readonly redactor: Redactor;
  /** Number of the last docker call in the journal. */
  readonly callsBefore?: number;
  /** The run whose engine is required; null for any engine. */
  readonly run?: RunOnEngine | null;
  /** Calls that are made beside `docker info`, where any engine will do. */
  readonly reads?: Reads;
}

/** A run and the engine that it began on. */
export interface RunOnEngine {
  readonly runId: string;
  readonly engine: RunEngine;
}

/** Throws an `EngineError` where no engine can be reached, or only another one than that of the run. */
export async function connect({
  clock = systemClock,
  redactor,
  callsBefore = 0,
  run = null,
  reads = noReads,
}: ConnectOptions): Promise<Connection> {
  const early = bufferedSink();
  const recorder = recorderOf(early, clock.elapsed, callsBefore, redactor.text);
  const found = run === null ? await reachCurrent(recorder, { reads }) : await reachRunEngine(run, recorder);
  return { ...found, early };
}

export const runEngineOf = ({ engine: { id, hostName }, address }: EngineConnection): RunEngine => ({
  id,
  hostName,
  address,
});

/** Connect to the engine of a run, for a command that has no journal. Throws as `connect` does. */
export const connectTo = (run: RunOnEngine, timeout?: number): Promise<EngineConnection> =>
  reachRunEngine(run, nullRecorder, timeout);

interface ReachOptions {
  /** Milliseconds for `docker info`. */
  readonly timeout?: number | undefined;
  readonly reads?: Reads;
}

const noReads: Reads = { calls: [], signal: new AbortController().signal };

/**
 * Connect to the engine that docker reaches from this process now. Where the default context is likely, `docker info` and the
 * reads run beside `docker context inspect`.
 */
export async function reachCurrent(
  recorder: Recorder = nullRecorder,
  { timeout, reads = noReads }: ReachOptions = {},
): Promise<EngineConnection> {
  const docker = dockerCli(recorder);
  const unused = new AbortController();
  const current = currentContext(docker, process.env);
  const signal = AbortSignal.any([unused.signal, reads.signal]);
  const early = hasDefaultContext(process.env)
    ? callEarly(docker, { timeout, reads: { ...reads, signal } })
    : null;
  const { name, address } = await current;
  const result = name === defaultContext ? ((await early?.info.catch(() => null)) ?? null) : null;
  // The address of one call is recorded with the id of the other: both must have used the same engine.
  if (early !== null && result !== null && !mayBeOtherContext(result, defaultContext))
    return reachEngine(recorder, address, { timeout }, early);
  unused.abort();
  return reachEngine(recorder, address, { timeout, reads });
}

/** Call `docker info`, and make the reads beside it. */
function callEarly(docker: Docker, { timeout, reads = noReads }: ReachOptions) {
  const info = callInfo(docker, { ...(timeout !== undefined && { timeout }), signal: reads.signal });
  // Handle the rejection of a result that is never used.
  info.catch(() => {});
  return { info, results: startReads(docker, reads) };
}

/** Return whether the environment and the docker client's settings select the default context. */
const hasDefaultContext = (env: NodeJS.ProcessEnv): boolean =>
  !env.DOCKER_HOST &&
  (env.DOCKER_CONTEXT || clientSetting('currentContext', env) || defaultContext) === defaultContext;

async function reachEngine(
  from: Recorder,
  address: EngineAddress,
  options: ReachOptions,
  known: ReturnType<typeof callEarly> | null = null,
): Promise<EngineConnection> {
  const recorder = from.to(address);
  const docker = dockerCli(recorder);
  const { info, results } = known ?? callEarly(docker, options);
  try {
    const hint = () => engineHint(address.host, process.env);
    const engine = await engineInfo(docker, { timeout: options.timeout, hint, info });
    const checked = engine.isPodman ? refusingSplitMounts(docker) : docker;
    return { docker: withReadResults(checked, results), recorder, address, engine };
  } catch (error) {
    throw new EngineError(asStepError(error).message, { cause: error });
  }
}

/**
 * Try the address of the engine when the run began, then the address that docker uses now: either may have changed since.
 * An engine with another id does not have the run's containers, which would be taken for removed.
 */
async function reachRunEngine(
  { runId, engine }: RunOnEngine,
  recorder: Recorder,
  timeout?: number,
): Promise<EngineConnection> {
  const failures: string[] = [];
  const unreachable: unknown[] = [];
  const tried = new Set<string>();
  const addresses = [
    () => Promise.resolve(engine.address),
    () => currentAddress(dockerCli(recorder), process.env),
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
    `run ${runId} is on the Docker engine ${engine.id}${place}, which was not found: ${failures.join('; ')}. Start that engine, or set DOCKER_HOST to its address. If it is gone for good: agent-flow resume --new-engine ${runId}`,
  );
}
