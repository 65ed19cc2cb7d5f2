import { getSystemErrorMessage } from 'node:util';
import { oneLine } from '../../text/text.ts';

/** Return the system's message alone: `no space left on device` for `ENOSPC: no space left on device, write`. */
export function reasonOf(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  return errno === undefined ? oneLine(message) : getSystemErrorMessage(errno);
}
