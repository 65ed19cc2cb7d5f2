import { readFileSync } from 'node:fs';
import { execa } from 'execa';

export interface Held {
  /** The process of the first command. */
  readonly pid: number;
  /** Resolves when all is cleaned up. */
  remove(): Promise<void>;
}

/**
 * Run a shell command that keeps namespaces, and then one that cleans up. The first writes a line when it is ready, and
 * ends when its stdin is closed: by `remove`, or by the end of this process, however that ends.
 */
export async function untilRemoved(commands: {
  readonly run: string;
  readonly cleanUp: string;
  /** For both, as `$1` and so on. */
  readonly args: readonly string[];
}): Promise<Held> {
  // Signals to the process group, such as a Ctrl-C, end the first command alone.
  const script = `trap : HUP INT TERM; ${commands.run}; exec </dev/null >/dev/null 2>&1; ${commands.cleanUp}`;
  const shell = execa('sh', ['-c', script, 'sh', ...commands.args], {
    stdin: 'pipe',
    buffer: { stdout: false },
    reject: false,
  });
  await new Promise((resolve, reject) => {
    shell.stdout.once('data', resolve);
    void shell.then(({ stderr }) => reject(new Error(`cannot create namespaces: ${stderr}`)));
  });
  return {
    pid: childOf(shell.pid!)!,
    async remove() {
      shell.stdin.end();
      await shell;
    },
  };
}

export function childOf(pid: number): number | null {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? null : Number(children.split(' ')[0]);
}
