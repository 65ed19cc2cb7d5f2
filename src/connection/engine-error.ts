import { DockerError } from '../docker/docker-error.ts';
import { EngineError } from '../errors.ts';

/** What was asked of Docker, `doing` this; its silence is an `EngineError` for people. */
export async function withEngineError<T>(asked: Promise<T>, operation: string): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    throw new EngineError(`could not ${operation}: ${error.reason}`);
  }
}
