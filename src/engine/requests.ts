import { join } from 'node:path';
import * as z from 'zod';
import { listDirectory, makeDirectory, readFile, removeFile } from '../store/state-files.ts';
import { writeFileAtomic } from '../store/write-file-atomic.ts';

/**
 * How another process asks a living engine for something: a file in the run folder. The engine looks every half
 * second; what it has obeyed it removes.
 */
const request = z.object({ stop: z.string().nullable() });

/** `stop`: the agent that is to be stopped; null for the whole run. */
export type Request = z.infer<typeof request>;

const lookEvery = 500;

export function leaveRequest(folder: string, wanted: Request): void {
  makeDirectory(folder);
  writeFileAtomic(join(folder, `${Date.now()}-${process.pid}.json`), JSON.stringify(wanted));
}

export function obeyRequests(
  folder: string,
  obey: (wanted: Request) => void,
  { every = lookEvery, remove = removeFile } = {},
): Disposable {
  /** Requests that could not be removed, such as on a read-only disk. Each is obeyed once all the same. */
  const left = new Set<string>();
  const look = () => {
    for (const name of names(folder)) {
      if (left.has(name)) continue;
      const file = join(folder, name);
      const wanted = request.safeParse(parse(file));
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
