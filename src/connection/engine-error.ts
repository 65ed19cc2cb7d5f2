import { DockerError } from '../docker/docker-error.ts';
import { EngineError } from '../errors.ts';

/** Await a result of Docker. A `DockerError` becomes an `EngineError` that names the operation. */
export async function withEngineError<T>(result: Promise<T>, operation: string): Promise<T> {
  try {
    return await result;
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    throw new EngineError(`could not ${operation}: ${error.reason}`);
  }
}
