import { dockerError } from './classify-error.ts';
import type { DockerResult } from './cli.ts';

/** The error of a command that only reads. Its failure is transient unless a known class says otherwise. */
export const readCommandError = (result: DockerResult) => dockerError(result, { fallbackKind: 'transient' });

/** Parse the output of a command. Throws a transient `DockerError` for output that is not valid, such as half of it. */
export function parseOutput<T>(result: DockerResult, read: (stdout: string) => T): T {
  try {
    return read(result.stdout);
  } catch {
    throw readCommandError({ ...result, ok: false, stdout: '', stderr: 'its output cannot be read' });
  }
}

/** Return the lines that are not blank. */
export const lines = (text: string) => text.split('\n').filter(line => line.trim() !== '');
