import { randomBytes, randomInt } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { UsageError } from '../errors.ts';

/**
 * Where runs are remembered:
 *
 *     <state-dir>/instance                          who we are, random
 *     <state-dir>/runs/<run-id>/run.json            what was asked for
 *                              /journal.jsonl       what happened
 *                              /result.json         how it came out
 *                              /agents/<name>/<attempt>/transcript.log
 *                                                      /workspace     the agent's clone, while it has one; its copy
 *                                                      /diff.patch    what it changed in its clone
 *                                                      /artifacts/
 */
export interface StateDir {
  readonly path: string;
  /** Labels carry it: what has another id is not ours. */
  readonly instance: string;
  run(runId: string): RunFolder;
  /** Newest first. */
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
  /** Of all that is kept of an attempt. */
  attempt(agent: string, attempt: number): string;
  transcript(agent: string, attempt: number): string;
}

export function stateDirPath(given: string | undefined, env: NodeJS.ProcessEnv): string {
  const path = given ?? env.AGENT_FLOW_STATE_DIR;
  return resolve(path || join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'agent-flow'));
}

/** Opens a state directory, made on first use, for this user's eyes alone. */
export function openStateDir(path: string): StateDir {
  const instance = prepare(path);
  return {
    path,
    instance,
    run: runId => runFolder(path, runId),
    runs: () =>
      readdirSync(join(path, 'runs'), { withFileTypes: true })
        .filter(entry => entry.isDirectory() && existsSync(join(path, 'runs', entry.name, 'journal.jsonl')))
        .map(entry => runFolder(path, entry.name))
        .map(run => ({ run, at: statSync(run.runFile, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
        .sort((a, b) => b.at - a.at)
        .map(({ run }) => run),
  };
}

function prepare(path: string): string {
  try {
    makeFolder(join(path, 'runs'));
    return instanceId(path);
  } catch (error) {
    const reason = (error as Error).message.replace(/^\w+: /, '');
    throw new UsageError(
      `the state directory ${path} cannot be used: ${reason}. Name another with --state-dir`,
    );
  }
}

/** Parents first. `recursive` does as much, but never returns for some folders that cannot be made, such as in /proc. */
function makeFolder(path: string): void {
  if (existsSync(path) && statSync(path).isDirectory()) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

/** Written aside and renamed, so that nobody ever reads half of it; on disk when this returns. */
export function writeWhole(file: string, content: string): void {
  const aside = `${file}.${process.pid}.tmp`;
  try {
    writeSynced(aside, content);
    renameSync(aside, file);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
  syncFolder(dirname(file));
}

function writeSynced(file: string, content: string): void {
  const fd = openSync(file, 'w', 0o600);
  try {
    writeFileSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A file that is new, or has a new name, survives a loss of power when its folder is on disk too. */
export function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } catch (error) {
    // Some file systems sync no folders.
    if (!['EINVAL', 'EPERM', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    closeSync(fd);
  }
}

function instanceId(path: string): string {
  const file = join(path, 'instance');
  const known = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  if (/^[a-z0-9]{16}$/.test(known)) return known;
  try {
    writeFileSync(file, `${randomBytes(8).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    // Somebody else made it at the same instant: theirs is ours too.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFileSync(file, 'utf8').trim();
}

function runFolder(stateDir: string, runId: string): RunFolder {
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

/** Names from outside, such as labels, are not taken for folders before this was asked. */
export const isRunId = (name: string) => /^r[a-z0-9]{7}$/.test(name);

/** Removes a run's folder, the journal last: what a crash leaves of it is still known for a run that is over. */
export function removeRun(run: RunFolder): void {
  for (const name of readdirSync(run.path))
    if (join(run.path, name) !== run.journal) rmSync(join(run.path, name), { recursive: true, force: true });
  rmSync(run.path, { recursive: true, force: true });
}

/** Random, and never readable as a prefix of a container id: docker takes those for the container itself. */
export function newRunId(): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
  return `r${Array.from({ length: 7 }, () => letters[randomInt(letters.length)]).join('')}`;
}
