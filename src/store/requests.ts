import { join } from 'node:path';
import * as z from 'zod';
import { listDirectory, makeDirectory, readFile, removeFile } from './state-files.ts';
import { writeFileAtomic } from './write-file-atomic.ts';

/**
 * Requests of other processes to the supervisor of a run: files in the run directory. The supervisor polls twice
 * per second, and removes each request that it takes.
 */
const stopRequest = z.object({ stop: z.string().nullable() });
/** Has no effect: its removal proves that the supervisor is alive. */
const pingRequest = z.object({ ping: z.literal(true) });

/** `stop` is the name of the agent to stop; null for the whole run. */
export type StopRequest = z.infer<typeof stopRequest>;
export type Request = StopRequest | z.infer<typeof pingRequest>;

const pollIntervalMs = 500;

/** Write a request. Returns its file, which is removed once a supervisor has taken it. */
export function writeRequest(folder: string, request: Request): string {
  makeDirectory(folder);
  const file = join(folder, `${Date.now()}-${process.pid}.json`);
  writeFileAtomic(file, JSON.stringify(request));
  return file;
}

/** Poll for requests in a directory, and call `onStop` with each request to stop. */
export function watchRequests(
  folder: string,
  onStop: (request: StopRequest) => void,
  { every = pollIntervalMs, remove = removeFile } = {},
): Disposable {
  /** Requests that could not be removed, such as on a read-only disk; each is still handled once. */
  const handled = new Set<string>();
  const poll = () => {
    for (const name of names(folder)) {
      if (handled.has(name)) continue;
      const file = join(folder, name);
      const request = stopRequest.safeParse(parse(file));
      if (!isRemoved(file, remove)) handled.add(name);
      if (request.success) onStop(request.data);
    }
  };
  const timer = setInterval(poll, every);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Remove a file and report success. Never throws: an error in a timer would end the supervisor. */
function isRemoved(file: string, remove: (file: string) => void): boolean {
  try {
    remove(file);
    return true;
  } catch {
    return false;
  }
}

function names(folder: string): string[] {
  try {
    return listDirectory(folder)
      .filter(name => name.endsWith('.json'))
      .sort();
  } catch {
    return [];
  }
}

function parse(file: string): unknown {
  try {
    return JSON.parse(readFile(file).toString());
  } catch {
    return null;
  }
}
