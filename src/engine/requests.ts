import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { writeWhole } from './state-dir.ts';

/**
 * How another process asks a living engine for something: a file in the run folder. The engine looks every half
 * second; what it has obeyed it removes.
 */
const request = z.object({ stop: z.string().nullable() });

/** `stop`: the agent that is to be stopped; null for the whole run. */
export type Request = z.infer<typeof request>;

const lookEvery = 500;

export function leaveRequest(folder: string, wanted: Request): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeWhole(join(folder, `${Date.now()}-${process.pid}.json`), JSON.stringify(wanted));
}

export function obeyRequests(folder: string, obey: (wanted: Request) => void): Disposable {
  const look = () => {
    for (const name of names(folder)) {
      const file = join(folder, name);
      const wanted = request.safeParse(parse(file));
      rmSync(file, { force: true });
      if (wanted.success) obey(wanted.data);
    }
  };
  const timer = setInterval(look, lookEvery);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter(name => name.endsWith('.json'))
      .sort();
  } catch {
    return [];
  }
}

function parse(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}
