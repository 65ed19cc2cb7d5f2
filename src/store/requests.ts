import { join } from 'node:path';
import * as z from 'zod';
import { listDirectory, makeDirectory, readFile, removeFile } from './state-files.ts';
import { writeFileAtomic } from './write-file-atomic.ts';

/**
 * How another process asks a living engine for something: a file in the run folder. The engine looks every half
 * second; what it has obeyed it removes.
 */
const stopRequest = z.object({ stop: z.string().nullable() });
/** Does nothing; that it is removed says that an engine lives. */
const pingRequest = z.object({ ping: z.literal(true) });

/** `stop`: the agent that is to be stopped; null for the whole run. */
export type StopRequest = z.infer<typeof stopRequest>;
export type Request = StopRequest | z.infer<typeof pingRequest>;

const lookEvery = 500;

/** Return the file of the request, which is gone once an engine has taken it. */
export function writeRequest(folder: string, wanted: Request): string {
  makeDirectory(folder);
  const file = join(folder, `${Date.now()}-${process.pid}.json`);
  writeFileAtomic(file, JSON.stringify(wanted));
  return file;
}

export function watchRequests(
  folder: string,
  obey: (wanted: StopRequest) => void,
  { every = lookEvery, remove = removeFile } = {},
): Disposable {
  /** Requests that could not be removed, such as on a read-only disk. Each is obeyed once all the same. */
  const left = new Set<string>();
  const look = () => {
    for (const name of names(folder)) {
      if (left.has(name)) continue;
      const file = join(folder, name);
      const wanted = stopRequest.safeParse(parse(file));
      if (!isRemoved(file, remove)) left.add(name);
      if (wanted.success) obey(wanted.data);
    }
  };
  const timer = setInterval(look, every);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Never throws: an error in a timer would end the engine. */
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
