import { append } from './output.ts';

/** Receives a line, and how many bytes at its end were left out. */
export type OnLine = (line: string, dropped: number) => void;

export interface LineReader {
  add(bytes: Buffer): void;
  /** Tell a last line that has no end. */
  end(): void;
}

/** Bytes of a line that are kept, where nothing else is said. */
export const maxLineBytes = 2 ** 20;

/** Cut bytes into lines, which end with \n, \r or both. No more of a line is held in memory than its first `most` bytes. */
export function lineReader(onLine: OnLine, most = maxLineBytes): LineReader {
  let held: Buffer[] = [];
  let size = 0;
  let dropped = 0;
  let endedByReturn = false;

  const keep = (piece: Buffer) => {
    const kept = piece.subarray(0, most - size);
    dropped += piece.length - kept.length;
    size += kept.length;
    if (kept.length > 0) append(held, kept);
  };
  const tell = (piece: Buffer) => {
    // Most lines come in one piece.
    if (size === 0 && dropped === 0 && piece.length <= most) return onLine(piece.toString(), 0);
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
        const isRest = index === 0 && end === '\n' && endedByReturn;
        if (!isRest) tell(bytes.subarray(at, index));
        at = index + end.length;
      }
      if (bytes.length > 0) endedByReturn = bytes.at(-1) === 0x0d;
      keep(bytes.subarray(at));
    },
    end() {
      if (size > 0 || dropped > 0) tell(Buffer.alloc(0));
    },
  };
}
