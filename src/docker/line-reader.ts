import { append } from './output.ts';

/** Receives a line, and the number of bytes that were cut from its end. */
export type OnLine = (line: string, dropped: number) => void;

export interface LineReader {
  add(bytes: Buffer): void;
  /** Emit a last line without a line end. */
  end(): void;
}

/** The default number of bytes that are kept of a line. */
const defaultMaxBytes = 2 ** 20;

/** Split bytes into lines, which end with \n, \r or both. Only the first `maxBytes` bytes of a line are held in memory (I7). */
export function lineReader(onLine: OnLine, maxBytes = defaultMaxBytes): LineReader {
  let held: Buffer[] = [];
  let size = 0;
  let dropped = 0;
  let endedByReturn = false;

  const keep = (piece: Buffer) => {
    const kept = piece.subarray(0, maxBytes - size);
    dropped += piece.length - kept.length;
    size += kept.length;
    if (kept.length > 0) append(held, kept);
  };
  const emit = (piece: Buffer) => {
    // Most lines arrive in one piece.
    if (size === 0 && dropped === 0 && piece.length <= maxBytes) return onLine(piece.toString(), 0);
    keep(piece);
    const line = Buffer.concat(held).toString();
    const left = dropped;
    held = [];
    size = 0;
    dropped = 0;
    onLine(line, left);
  };

  return {
    add(bytes) {
      let at = 0;
      for (const { 0: end, index } of bytes.toString('latin1').matchAll(/\r\n|\n|\r/g)) {
        const isSecondHalfOfCrLf = index === 0 && end === '\n' && endedByReturn;
        if (!isSecondHalfOfCrLf) emit(bytes.subarray(at, index));
        at = index + end.length;
      }
      if (bytes.length > 0) endedByReturn = bytes.at(-1) === 0x0d;
      keep(bytes.subarray(at));
    },
    end() {
      if (size > 0 || dropped > 0) emit(Buffer.alloc(0));
    },
  };
}
