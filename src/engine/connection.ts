import { asStepError } from '../../machines/step-error.ts';
import { type Docker, dockerCli } from '../docker/cli.ts';
import { type EngineInfo, engineInfo } from '../docker/engine-info.ts';
import { earlySink, type Recorder, recorder as recorderOf } from '../docker/recorder.ts';
import { EngineError } from '../errors.ts';
import type { Clock } from './clock.ts';
import type { Redactor } from './redact.ts';

/** A Docker engine that answers, and what was said to it before there was a journal to tell. */
export interface Connection {
  readonly docker: Docker;
  readonly recorder: Recorder;
  readonly early: ReturnType<typeof earlySink>;
  readonly engine: EngineInfo;
}

/** Throws an `EngineError` where none answers. `callsBefore`: how many docker calls the journal tells of already. */
export async function connect(
  clock: Clock,
  { text: redact }: Redactor,
  callsBefore = 0,
): Promise<Connection> {
  const early = earlySink();
  const recorder = recorderOf(early, clock.elapsed, callsBefore, redact);
  const docker = dockerCli(recorder);
  try {
    return { docker, recorder, early, engine: await engineInfo(docker, clock.now) };
  } catch (error) {
    throw new EngineError(asStepError(error).message, { cause: error });
  }
}
