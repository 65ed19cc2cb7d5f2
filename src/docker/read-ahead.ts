import { raceAbort } from '../async/race-abort.ts';
import type { Docker, DockerResult } from './cli.ts';

/** Calls that only read, to be made before their results are needed. */
export interface Reads {
  readonly calls: readonly (readonly string[])[];
  /** Ends the calls that are still running. */
  readonly signal: AbortSignal;
}

/** Results of such calls, by their arguments. */
export type ReadResults = Map<string, Promise<DockerResult>>;

export function startReads(docker: Docker, { calls, signal }: Reads): ReadResults {
  const results: ReadResults = new Map();
  for (const args of calls) {
    const result = docker(args, { timeout: 30_000, signal });
    // Handle the rejection of a result that is never used.
    result.catch(() => {});
    results.set(JSON.stringify(args), result);
  }
  return results;
}

/**
 * Return a docker that has the results: the first call with the same arguments gets the result of the early one, and fails as
 * that one does.
 */
export function withReadResults(docker: Docker, results: ReadResults): Docker {
  return async (args, options = {}) => {
    const key = JSON.stringify(args);
    const result = results.get(key);
    if (result === undefined || options.signal?.aborted) return docker(args, options);
    results.delete(key);
    if (options.signal === undefined) return result;
    return raceAbort(result, options.signal).catch(error => {
      if (!options.signal?.aborted) throw error;
      return { args, ok: false, exitCode: null, stdout: '', stderr: '', interrupted: 'aborted' };
    });
  };
}
