import { getSystemErrorMessage } from 'node:util';
import { oneLine } from '../../text/text.ts';

/** `ENOSPC: no space left on device, write` is `no space left on device`. */
export function reasonOf(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  return errno === undefined ? oneLine(message) : getSystemErrorMessage(errno);
}
