import { asStepError } from '../../machines/step-error.ts';
import { type Clock, systemClock } from '../clock.ts';
import { type Docker, dockerCli } from '../docker/cli.ts';
import { currentAddress, type EngineAddress } from '../docker/engine-address.ts';
import { engineHint } from '../docker/engine-hint.ts';
import { type EngineInfo, engineInfo } from '../docker/engine-info.ts';
import { podmanCli } from '../docker/podman.ts';
import { nullRecorder, type Recorder, recorder as recorderOf } from '../docker/recorder.ts';
import { EngineError } from '../errors.ts';
import type { Redactor } from '../secrets/redact.ts';
import { bufferedSink } from '../store/buffered-sink.ts';
import type { RunEngine } from '../store/run-file.ts';

/** A Docker engine that answers; all that is said to it goes through here. */
export interface EngineConnection {
  readonly docker: Docker;
  readonly recorder: Recorder;
  readonly engine: EngineInfo;
  readonly address: EngineAddress;
}

/** The same, with what was said to it before there was a journal to tell. */
export interface Connection extends EngineConnection {
  readonly early: ReturnType<typeof bufferedSink>;
}

export interface ConnectOptions {
  readonly clock?: Clock | undefined;
  readonly redactor: Redactor;
  /** How many docker calls the journal tells of already. */
  readonly callsBefore?: number;
  /** The run that the engine must be the one of; null: any engine will do. */
  readonly run?: RunOnEngine | null;
}

/** A run, and the engine that it began on. */
export interface RunOnEngine {
  readonly runId: string;
  readonly engine: RunEngine;
}

/** Throws an `EngineError` where no engine answers, or another one than that of the run. */
export async function connect({
  clock = systemClock,
  redactor,
  callsBefore = 0,
  run = null,
}: ConnectOptions): Promise<Connection> {
  const early = bufferedSink();
  const recorder = recorderOf(early, clock.elapsed, callsBefore, redactor.text);
  const found = run === null ? await reachCurrent(recorder) : await reach(run, recorder);
  return { ...found, early };
}

export const runEngineOf = ({ engine: { id, hostName }, address }: EngineConnection): RunEngine => ({
  id,
  hostName,
  address,
});

/** The engine of a run, for a command that keeps no journal. Throws as `connect` does. */
export const connectTo = (run: RunOnEngine, timeout?: number): Promise<EngineConnection> =>
  reach(run, nullRecorder, timeout);

/** The engine that docker reaches from here and now. */
export async function reachCurrent(
  recorder: Recorder = nullRecorder,
  timeout?: number,
): Promise<EngineConnection> {
  return ask(recorder, await currentAddress(dockerCli(recorder), process.env), timeout);
}

async function ask(from: Recorder, address: EngineAddress, timeout?: number): Promise<EngineConnection> {
  const recorder = from.to(address);
  const docker = dockerCli(recorder);
  try {
    const hint = () => engineHint(address.host, process.env);
    const engine = await engineInfo(docker, { timeout, hint });
    return { docker: engine.isPodman ? podmanCli(docker) : docker, recorder, address, engine };
  } catch (error) {
    throw new EngineError(asStepError(error).message, { cause: error });
  }
}

/**
 * Looks where the engine was when the run began, then where docker leads now: either may have moved since. What answers
 * with another id is another engine, where the run's containers are not, and would be taken for removed.
 */
async function reach(
  { runId, engine }: RunOnEngine,
  recorder: Recorder,
  timeout?: number,
): Promise<EngineConnection> {
  const answers: string[] = [];
  const silent: unknown[] = [];
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
    const where = address.host || "docker's usual address";
    try {
      const found = await ask(recorder, address, timeout);
      const { id, hostName } = found.engine;
      // At another address the machine must be the same as well: a copy of a machine has engines of the same id.
      const isSame = id === engine.id && (address === engine.address || hostName === engine.hostName);
      if (isSame) return found;
      answers.push(`the one that answers at ${where} is ${id} on ${hostName}`);
    } catch (error) {
      silent.push(error);
      answers.push(`none answers at ${where}`);
    }
  }
  // With one place to look, its own words say more.
  if (silent.length === tried.size && silent.length === 1) throw silent[0];
  const place = engine.address.host === '' ? '' : ` at ${engine.address.host}`;
  throw new EngineError(
    `run ${runId} is on the Docker engine ${engine.id}${place}, which was not found: ${answers.join('; ')}. Start that engine, or set DOCKER_HOST to its address. If it is gone for good: agent-flow resume --new-engine ${runId}`,
  );
}
