import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { standardInput } from '../spec/spec-text.ts';
import type { StateDir } from '../store/state-directory.ts';
import { openFile, readFile, removeFile, renameFile } from '../store/state-files.ts';

/**
 * Run the same command line again in a process that survives the terminal (`run -d`). The first process waits until the
 * run has started, and prints its id.
 */

/** Set in the environment of the second process. */
const detachedVariable = 'AGENT_FLOW_DETACHED';

export const isDetached = () => process.env[detachedVariable] === '1' && process.send !== undefined;

/** Send the id of the started run to the first process, which then exits. */
export function notifyParent(runId: string): void {
  if (!isDetached()) return;
  process.send!({ runId }, () => process.disconnect());
}

export interface Detached {
  /** null if the run could not start. */
  readonly runId: string | null;
  readonly exitCode: number;
  /** Everything it printed until then. */
  readonly output: string;
}

/**
 * Start the second process. Its output goes to `engine.log` in the folder of the run.
 *
 * @param read Text that was read from a pipe, and its path on the command line: the second process reads it from stdin.
 *   null if it can read the spec itself.
 */
export async function detach(
  stateDir: StateDir,
  read: { readonly path: string; readonly text: string } | null,
): Promise<Detached> {
  const log = join(stateDir.path, `engine-${randomBytes(4).toString('hex')}.log`);
  const fd = openFile(log, 'wx');
  const argv = process.argv.slice(2).map(word => (word === read?.path ? standardInput : word));
  const child = fork(process.argv[1]!, argv, {
    detached: true,
    env: { ...process.env, [detachedVariable]: '1' },
    stdio: [read === null ? 'ignore' : 'pipe', fd, fd, 'ipc'],
  });
  // A process that exits before it has read everything prints why.
  child.stdin?.on('error', () => {}).end(read?.text);
  closeSync(fd);
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGINT', pass).on('SIGTERM', pass);
  const started = await new Promise<{ runId: string | null; exitCode: number }>((resolve, reject) => {
    child.once('message', message => resolve({ runId: (message as { runId: string }).runId, exitCode: 0 }));
    child.once('exit', code => resolve({ runId: null, exitCode: code ?? 1 }));
    child.once('error', reject);
  });
  process.off('SIGINT', pass).off('SIGTERM', pass);
  const output = readFile(log).toString();
  if (started.runId === null) removeFile(log);
  else renameFile(log, join(stateDir.run(started.runId).path, 'engine.log'));
  if (child.connected) child.disconnect();
  child.unref();
  return { ...started, output };
}
