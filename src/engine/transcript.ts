import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { beginMark } from '../docker/end-record.ts';

export interface Transcript {
  readonly path: string;
  /** Docker has thrown its beginning away: the agent printed more than is kept. */
  readonly truncated: boolean;
}

/** Less than this, in bytes, is never thrown away; containers of an older release print no mark. */
const alwaysKept = 2 ** 20;

/** What was kept of an attempt's output; null where nothing was. */
export function transcriptIn(path: string, nonce: string): Transcript | null {
  if (!existsSync(path)) return null;
  const mark = Buffer.from(beginMark(nonce));
  const fd = openSync(path, 'r');
  try {
    const first = Buffer.alloc(mark.length);
    readSync(fd, first, 0, first.length, 0);
    return { path, truncated: fstatSync(fd).size >= alwaysKept && !first.equals(mark) };
  } finally {
    closeSync(fd);
  }
}
