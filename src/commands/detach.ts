import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { standardInput } from '../spec/spec-text.ts';
import type { StateDir } from '../store/state-directory.ts';
import { openFile, readFile, removeFile, renameFile } from '../store/state-files.ts';

/**
 * `run -d`: the same command line once more, in a process of its own that no terminal ends. The first process waits
 * until the run has begun, and tells its id.
 */

/** Tells the second process what it is. */
const mark = 'AGENT_FLOW_DETACHED';

export const isDetached = () => process.env[mark] === '1' && process.send !== undefined;

/** The run has begun: who started it need not wait any longer. */
export function notifyParent(runId: string): void {
  if (!isDetached()) return;
  process.send!({ runId }, () => process.disconnect());
}

export interface Detached {
  /** null where the run could not begin. */
  readonly runId: string | null;
  readonly exitCode: number;
  /** What it had to say until then. */
  readonly said: string;
}

/**
 * What the run says from then on is in `engine.log` of its folder.
 *
 * @param read What was read of a pipe, and its path on the command line: the second process finds it in its standard
 *   input. null where it can read the spec itself.
 */
export async function detach(
  stateDir: StateDir,
  read: { readonly path: string; readonly text: string } | null,
): Promise<Detached> {
  const log = join(stateDir.path, `engine-${randomBytes(4).toString('hex')}.log`);
  const output = openFile(log, 'wx');
  const argv = process.argv.slice(2).map(word => (word === read?.path ? standardInput : word));
  const child = fork(process.argv[1]!, argv, {
    detached: true,
    env: { ...process.env, [mark]: '1' },
    stdio: [read === null ? 'ignore' : 'pipe', output, output, 'ipc'],
  });
  // One that ends before it has read all says why.
  child.stdin?.on('error', () => {}).end(read?.text);
  closeSync(output);
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGINT', pass).on('SIGTERM', pass);
  const begun = await new Promise<{ runId: string | null; exitCode: number }>((resolve, reject) => {
    child.once('message', message => resolve({ runId: (message as { runId: string }).runId, exitCode: 0 }));
    child.once('exit', code => resolve({ runId: null, exitCode: code ?? 1 }));
    child.once('error', reject);
  });
  process.off('SIGINT', pass).off('SIGTERM', pass);
  const said = readFile(log).toString();
  if (begun.runId === null) removeFile(log);
  else renameFile(log, join(stateDir.run(begun.runId).path, 'engine.log'));
  if (child.connected) child.disconnect();
  child.unref();
  return { ...begun, said };
}
