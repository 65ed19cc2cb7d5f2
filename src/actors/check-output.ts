import { closeSync, fstatSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { StepInput } from '../../machines/agent-types.ts';
import { dockerError } from '../docker/classify-error.ts';
import { saveOutput } from '../docker/stream.ts';
import { holdFile, openFile } from '../store/state-files.ts';
import { plainText } from '../text/text.ts';
import { type ActorContext, owner } from './context.ts';

export type CheckOutputPorts = Pick<ActorContext, 'recorder' | 'folder' | 'vault' | 'haltUnwritable'>;

/** Maximum lines and bytes of a check's output that the next round gets. */
const maxLines = 200;
const maxBytes = 32 * 1024;

/** Return the file with the output of the check of an attempt. */
export const checkOutputFile = (
  { folder }: Pick<ActorContext, 'folder'>,
  { agent, attempt }: { readonly agent: string; readonly attempt: number },
): string => join(folder(agent, attempt), 'check.log');

/** Keep the output of a check, redacted. Returns its path. */
export async function keepCheckOutput(
  context: CheckOutputPorts,
  input: StepInput,
  id: string,
  signal: AbortSignal,
): Promise<string> {
  const { recorder, vault, haltUnwritable } = context;
  const file = checkOutputFile(context, owner(input));
  const hold = async () => holdFile(file);
  const held = await hold().catch((error: Error) => haltUnwritable(error, signal));
  const args = ['logs', id];
  const through = vault.redactor.isEmpty ? [] : [vault.redactor.stream()];
  const options = { signal, scope: owner(input), timeout: 600_000, through };
  const result = await saveOutput(recorder, args, held.path, options).finally(held[Symbol.dispose]);
  if (!result.ok)
    throw dockerError({ ...result, args, stdout: '' }, { operation: 'read the output of the check' });
  return file;
}

/** Return the end of the output of a check, as plain text; empty if it cannot be read. */
export function checkTail(file: string): string {
  const lines = plainText(lastBytes(file, 4 * maxBytes))
    .trimEnd()
    .split('\n')
    .slice(-maxLines);
  const bytes = Buffer.from(lines.join('\n'));
  if (bytes.length <= maxBytes) return bytes.toString();
  const cut = bytes.subarray(bytes.length - maxBytes).toString();
  // Without the part of a line, or of a character, at the cut.
  return cut.slice(cut.indexOf('\n') + 1);
}

function lastBytes(file: string, count: number): Buffer {
  try {
    const fd = openFile(file, 'r');
    try {
      const { size } = fstatSync(fd);
      const bytes = Buffer.alloc(Math.min(size, count));
      return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, size - bytes.length));
    } finally {
      closeSync(fd);
    }
  } catch {
    return Buffer.alloc(0);
  }
}
