import type { StateDir } from '../store/state-directory.ts';
import { printJson } from './command.ts';
import { detach } from './detach.ts';

/** The `--detach` option. */
export const detachOption = {
  alias: 'd',
  type: 'boolean',
  default: false,
  describe: 'Run in the background and print the run id',
} as const;

/** Run the same command line in a process of its own, and print the id of the run. Resolves with the exit code. */
export async function runInBackground(
  stateDir: StateDir,
  { json }: { readonly json: boolean },
  read: Parameters<typeof detach>[1],
): Promise<number> {
  const { runId, exitCode, output } = await detach(stateDir, read);
  if (runId === null) process.stderr.write(output);
  else if (json) printJson({ runId });
  else process.stdout.write(`${runId}\n`);
  return exitCode;
}

/** Throw for options that need the terminal of the caller. */
export function checkDetach({
  inspect,
  events,
}: {
  readonly inspect?: string | undefined;
  readonly events?: string | undefined;
}): void {
  if (inspect !== undefined && inspect !== 'stately')
    throw new Error('--detach and --inspect cannot be combined: use agent-flow inspector');
  if (events === '-') throw new Error('--detach and --events - cannot be combined: give --events a file');
}
