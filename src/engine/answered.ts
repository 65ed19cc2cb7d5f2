import { DockerSilence } from '../docker/containers.ts';
import { dockerError } from '../docker/errors.ts';
import { EngineError } from '../errors.ts';

/** What was asked of Docker, `doing` this; its silence is an `EngineError` for people. */
export async function answered<T>(asked: Promise<T>, doing: string): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof DockerSilence)) throw error;
    throw new EngineError(dockerError(error.answer, { doing, at: Date.now() }).message);
  }
}
