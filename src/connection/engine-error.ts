import { DockerUnavailableError } from '../docker/containers.ts';
import { dockerError } from '../docker/errors.ts';
import { EngineError } from '../errors.ts';

/** What was asked of Docker, `doing` this; its silence is an `EngineError` for people. */
export async function withEngineError<T>(asked: Promise<T>, operation: string): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof DockerUnavailableError)) throw error;
    throw new EngineError(dockerError(error.answer, { operation, at: Date.now() }).message);
  }
}
