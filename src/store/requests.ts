import { join } from 'node:path';
import * as z from 'zod';
import { agentName } from '../spec/names.ts';
import { listDirectory, makeDirectory, readFile, removeFile } from './state-files.ts';
import { writeFileAtomic } from './write-file-atomic.ts';

/**
 * Requests of other processes to the supervisor of a run: files in the run directory. The supervisor polls twice
 * per second, and removes each request that it takes.
 */
const stopRequest = z.object({ stop: z.string().nullable() });
/** Has no effect: its removal proves that the supervisor is alive. */
const pingRequest = z.object({ ping: z.literal(true) });

/** Characters of the reason of a decision. */
export const maxReasonLength = 1000;

/** A decision on an approval. It stays until it is in the journal: one that no supervisor has taken yet is not lost. */
const decisionRequest = z.object({
  agent: z.string().regex(agentName),
  decision: z.enum(['approved', 'rejected']),
  source: z.enum(['user', 'inspector']),
  /** The user of the process that wrote it, as `name@host`. */
  by: z.string().max(300),
  reason: z.string().max(maxReasonLength).nullable(),
  /** When it was made, milliseconds since the epoch. */
  at: z.number(),
});

/** `stop` is the name of the agent to stop; null for the whole run. */
type StopRequest = z.infer<typeof stopRequest>;
export type DecisionRequest = z.infer<typeof decisionRequest>;
export type Request = StopRequest | DecisionRequest | z.infer<typeof pingRequest>;

export interface RequestHandlers {
  onStop(request: StopRequest): void;
  /** Resolves when the decision is on disk, or has no effect. */
  onDecision(request: DecisionRequest): Promise<void>;
}

export interface RequestWatcher extends Disposable {
  /** Take the requests that are there now. */
  poll(): void;
}

const pollIntervalMs = 500;

/** Requests of this process, which may write several at the same time. */
let written = 0;

/** Write a request. Returns its file, which is removed once a supervisor has taken it. */
export function writeRequest(folder: string, request: Request): string {
  makeDirectory(folder);
  const number = String(written++).padStart(9, '0');
  const file = join(folder, `${Date.now()}-${process.pid}-${number}.json`);
  writeFileAtomic(file, JSON.stringify(request));
  return file;
}

/** Poll for requests in a directory, and pass on each one, in the order in which they were written. */
export function watchRequests(
  folder: string,
  { onStop, onDecision }: RequestHandlers,
  { every = pollIntervalMs, remove = removeFile } = {},
): RequestWatcher {
  /** Requests that are being handled, or could not be removed, such as on a read-only disk; each is handled once. */
  const handled = new Set<string>();
  const poll = () => {
    for (const name of names(folder)) {
      if (handled.has(name)) continue;
      const file = join(folder, name);
      const content = parse(file);
      const decision = decisionRequest.safeParse(content);
      if (decision.success) {
        handled.add(name);
        // After a failed write the run halts, and the next supervisor takes the request.
        onDecision(decision.data).then(
          () => void isRemoved(file, remove),
          () => {},
        );
        continue;
      }
      const request = stopRequest.safeParse(content);
      if (!isRemoved(file, remove)) handled.add(name);
      if (request.success) onStop(request.data);
    }
  };
  const timer = setInterval(poll, every);
  timer.unref();
  return { poll, [Symbol.dispose]: () => clearInterval(timer) };
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
