import { Transform } from 'node:stream';
import { findBegun, findSecrets, replaceSecrets } from './find-secrets.ts';
import type { Needles } from './needles.ts';

/** Redact bytes as they arrive. */
export interface ChunkRedactor {
  add(bytes: Buffer): Buffer;
  end(): Buffer;
}

/** Bytes of escape sequences that a secret split over several chunks may contain. */
const maxInvisible = 4096;

/** The needles are read for each chunk: a secret that is added meanwhile is redacted in what is still held back. */
export function chunkRedactor(needles: () => Needles, { byLine }: { byLine: boolean }): ChunkRedactor {
  let held = '';
  /** Release up to `wanted`, or up to the end of a secret that begins before it. */
  const release = (wanted: number): Buffer => {
    const ranges = findSecrets(held, needles()).filter(([start]) => start < wanted);
    const end = Math.max(wanted, ranges.at(-1)?.[1] ?? 0);
    const out = replaceSecrets(held.slice(0, end), ranges);
    held = held.slice(end);
    return Buffer.from(out, 'latin1');
  };
  return {
    add(bytes) {
      const { longest } = needles();
      if (longest === 0 && held === '') return bytes;
      held += bytes.toString('latin1');
      const most = longest + maxInvisible;
      const line = byLine ? held.lastIndexOf('\n') + 1 : 0;
      if (line > 0)
        return release(Math.max(Math.min(line, findBegun(held, needles())), held.length - 2 * most));
      return held.length > 2 * most ? release(held.length - most) : Buffer.alloc(0);
    },
    end: () => release(held.length),
  };
}

export const redactingStream = ({ add, end }: ChunkRedactor) =>
  new Transform({
    transform: (chunk: Buffer, _, done) => done(null, add(chunk)),
    flush: done => done(null, end()),
  });
