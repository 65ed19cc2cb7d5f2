import { randomBytes, randomInt } from 'node:crypto';
import { realpathSync, type Stats } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pauseSync } from '../async/pause-sync.ts';
import { UsageError } from '../errors.ts';
import { escapeControl } from '../spec/escape-control.ts';
import { runIdPattern } from '../spec/names.ts';
import { createFileAtomic } from './create-file.ts';
import {
  holdDirectory,
  listDirectory,
  makeDirectory,
  readFile,
  removeFile,
  statFile,
} from './state-files.ts';

/**
 * The state directory:
 *
 *     <state-dir>/instance                          the random id of this directory
 *     <state-dir>/runs/<run-id>/run.json            the request
 *                              /journal.jsonl       the events
 *                              /result.json         the result
 *                              /images.json         builds of directories that agents can write
 *                              /agents/<name>/<attempt>/transcript.log
 *                                                      /transcript.log.marks  output of the container around it
 *                                                      /workspace     the agent's clone, while it has one; its copy
 *                                                      /diff.patch    the changes in its clone
 *                                                      /check.log     output of the check of its work
 *                                                      /protected.tar files that checks get as at the start
 *                                                      /artifacts/
 *     <state-dir>/checks/<id>                       a check of a provider, with a state directory of its own
 */
export interface StateDir {
  readonly path: string;
  /** Its random id, which labels carry: a resource with another id is not ours (I3). */
  readonly instance: string;
  run(runId: string): RunFolder;
  /** Return all runs with a record, including those that have not begun. */
  recorded(): RunFolder[];
  /** Return the runs that have begun, newest first. */
  runs(): RunFolder[];
}

export interface RunFolder {
  readonly runId: string;
  readonly path: string;
  readonly journal: string;
  readonly lock: string;
  readonly requests: string;
  readonly result: string;
  readonly runFile: string;
  /** Return the directory of an attempt. */
  attempt(agent: string, attempt: number): string;
  transcript(agent: string, attempt: number): string;
}

export function stateDirPath(given: string | undefined, env: NodeJS.ProcessEnv): string {
  const path = given ?? env.AGENT_FLOW_STATE_DIR;
  return resolve(path || join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'agent-flow'));
}

/** Open a state directory; it is created with mode 0700 on first use. Links that lead to it are resolved first. */
export function openStateDir(given: string): StateDir {
  const { path, instance } = prepare(given);
  const runs = join(path, 'runs');
  return {
    path,
    instance,
    run: runId => runFolder(path, runId),
    recorded: () =>
      listDirectory(runs)
        .filter(name => isRunId(name) && statFile(join(runs, name, 'run.json')) !== undefined)
        .map(name => runFolder(path, name)),
    runs: () =>
      listDirectory(runs)
        .filter(name => isRunId(name) && statFile(join(runs, name, 'journal.jsonl')) !== undefined)
        .map(name => runFolder(path, name))
        .map(run => ({ run, at: statFile(run.runFile)?.mtimeMs ?? 0 }))
        .sort((a, b) => b.at - a.at)
        .map(({ run }) => run),
  };
}

function prepare(given: string): { path: string; instance: string } {
  const refuse = (reason: string, hint: string) =>
    new UsageError(`the state directory ${given} cannot be used: ${reason}. ${hint}`);
  try {
    makeDirectory(given);
    const path = realpathSync(given);
    const shared = sharedReason(holdDirectory(path));
    if (shared !== null) throw refuse(shared.reason, `${shared.fix(path)}, or name another with --state-dir`);
    makeDirectory(join(path, 'runs'));
    const exposed = sharedReason(statFile(join(path, 'runs'))!);
    if (exposed !== null)
      throw refuse(
        `in it, runs is unsafe: ${exposed.reason}`,
        `${exposed.fix(join(path, 'runs'))}, or name another with --state-dir`,
      );
    return { path, instance: instanceId(path) };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw refuse((error as Error).message.replace(/^\w+: /, ''), 'Name another with --state-dir');
  }
}

/**
 * Return why another user can write to a directory, and the fix; null if none can. A forged record of a run would decide
 * what the next supervisor starts.
 */
export function sharedReason({ uid, mode }: Pick<Stats, 'uid' | 'mode'>) {
  const own = process.getuid?.() ?? uid;
  if (uid !== own)
    return {
      reason: `it belongs to user ${uid}, and this is user ${own}`,
      fix: (path: string) => `Run agent-flow as the owner of ${path}`,
    };
  if ((mode & 0o022) === 0) return null;
  return {
    reason: `others can write to it (mode ${(mode & 0o777).toString(8)})`,
    fix: (path: string) => `Make it yours alone with chmod 700 '${path}'`,
  };
}

/** Return the id of the state directory, which the first process gives it. */
function instanceId(path: string): string {
  const file = join(path, 'instance');
  if (!statFile(file)) createFileAtomic(file, `${randomBytes(8).toString('hex')}\n`, { isDurable: true });
  for (let tries = 0; tries < maxReads; tries++) {
    const stored = readFile(file).toString().trim();
    if (/^[a-z0-9]{16}$/.test(stored)) return stored;
    if (stored !== '') break;
    pauseSync(readPauseMs);
  }
  // With another id, the containers of earlier runs would count as those of another state directory.
  throw new Error(
    `${file} does not contain its id. Restore the file, or remove the directory if its runs are over`,
  );
}

/** Another process may create the file just now, on a file system where it is empty at first. */
const maxReads = 50;
const readPauseMs = 20;

function runFolder(stateDir: string, runId: string): RunFolder {
  if (!isRunId(runId)) throw new UsageError(`${escapeControl(runId)} is not a valid run id`);
  const path = join(stateDir, 'runs', runId);
  return {
    runId,
    path,
    journal: join(path, 'journal.jsonl'),
    lock: join(path, 'lock'),
    requests: join(path, 'requests'),
    result: join(path, 'result.json'),
    runFile: join(path, 'run.json'),
    attempt: (agent, attempt) => join(path, 'agents', agent, String(attempt)),
    transcript: (agent, attempt) => join(path, 'agents', agent, String(attempt), 'transcript.log'),
  };
}

/** Return the folder of another run in the same state directory. */
export const siblingRun = ({ path }: RunFolder, runId: string): RunFolder =>
  runFolder(dirname(dirname(path)), runId);

/** Report whether a name is a run id. Names from outside, such as labels, are checked before they become a path (I8). */
export const isRunId = (name: string) => runIdPattern.test(name);

/** Remove the directory of a run, the journal last: if a crash interrupts that, the run is still known to have ended. */
export function removeRun(run: RunFolder): void {
  for (const name of listDirectory(run.path))
    if (join(run.path, name) !== run.journal) removeFile(join(run.path, name));
  removeFile(run.path);
}

/** Return a random run id that is never a prefix of a container id, which docker would resolve to the container. */
export function newRunId(): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
  return `r${Array.from({ length: 7 }, () => letters[randomInt(letters.length)]).join('')}`;
}
