import { raceAbort } from '../async/race-abort.ts';
import type { Docker, DockerResult } from './cli.ts';

/**
 * Start calls that only read, and return a docker that has their results: the first call with the same arguments gets the
 * result of the early one, and fails as that one does. `signal` ends the calls that are still running.
 */
export function readAhead(
  docker: Docker,
  calls: readonly (readonly string[])[],
  signal: AbortSignal,
): Docker {
  const early = new Map<string, Promise<DockerResult>>();
  for (const args of calls) {
    const result = docker(args, { timeout: 30_000, signal });
    // Handle the rejection of a result that is never used.
    result.catch(() => {});
    early.set(JSON.stringify(args), result);
  }
  return async (args, options = {}) => {
    const key = JSON.stringify(args);
    const result = early.get(key);
    if (result === undefined || options.signal?.aborted) return docker(args, options);
    early.delete(key);
    if (options.signal === undefined) return result;
    return raceAbort(result, options.signal).catch(error => {
      if (!options.signal?.aborted) throw error;
      return { args, ok: false, exitCode: null, stdout: '', stderr: '', interrupted: 'aborted' };
    });
  };
}
