import type { FileHandle } from 'node:fs/promises';
import { endBytes } from '../../transcript/end-record.ts';
import { unprinted } from '../../transcript/output-end.ts';

/**
 * Read an agent's output from a file in blocks, so that memory is bounded for a transcript and a line of any length.
 */

const block = 64 * 1024;

/** Pass on the bytes from `start` to `end`. Return their number. */
export async function readOutput(
  file: FileHandle,
  { start, end }: { readonly start: number; readonly end: number },
  onBytes: (bytes: Buffer) => Promise<void>,
): Promise<number> {
  for await (const bytes of range(file, start, end)) await onBytes(bytes);
  return Math.max(0, end - start);
}

/** Return the offset at which the agent's output ends and the lines of the container itself begin. */
export async function printedEnd(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  const tail = Buffer.alloc(Math.min(size, endBytes));
  const { bytesRead } = await file.read(tail, 0, tail.length, size - tail.length);
  return size - unprinted(tail.subarray(0, bytesRead), true);
}

/** Return the offset at which the last `count` lines before `end` begin. */
export async function tailStart(file: FileHandle, end: number, count: number): Promise<number> {
  if (count === 0) return end;
  const bytes = Buffer.alloc(block);
  let left = count;
  for (let upTo = end; upTo > 0; ) {
    const from = Math.max(0, upTo - block);
    await file.read(bytes, 0, upTo - from, from);
    for (let at = upTo - from - 1; at >= 0; at--)
      // A newline at the very end starts no line.
      if (bytes[at] === 0x0a && from + at !== end - 1 && --left === 0) return from + at + 1;
    upTo = from;
  }
  return 0;
}

async function* range(file: FileHandle, from: number, to: number): AsyncGenerator<Buffer> {
  for (let at = from; at < to; ) {
    const bytes = Buffer.alloc(Math.min(block, to - at));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, at);
    if (bytesRead === 0) return;
    yield bytes.subarray(0, bytesRead);
    at += bytesRead;
  }
}
