import type { FileHandle } from 'node:fs/promises';
import { endBytes } from '../../transcript/end-record.ts';
import { unprinted } from '../../transcript/output-end.ts';

/**
 * What an agent has printed, as a file. It is read in blocks: neither a transcript of any length nor a line of any
 * length is ever held in memory.
 */

const block = 64 * 1024;

/** Tell the bytes from `start` to `end`. Returns how many. */
export async function readOutput(
  file: FileHandle,
  { start, end }: { readonly start: number; readonly end: number },
  onBytes: (bytes: Buffer) => Promise<void>,
): Promise<number> {
  for await (const bytes of range(file, start, end)) await onBytes(bytes);
  return Math.max(0, end - start);
}

/** Where what the agent has printed ends, in all that its container has. */
export async function printedEnd(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  const tail = Buffer.alloc(Math.min(size, endBytes));
  const { bytesRead } = await file.read(tail, 0, tail.length, size - tail.length);
  return size - unprinted(tail.subarray(0, bytesRead), true);
}

/** Where the last `count` lines before `end` begin. */
export async function tailStart(file: FileHandle, end: number, count: number): Promise<number> {
  if (count === 0) return end;
  const bytes = Buffer.alloc(block);
  let left = count;
  for (let upTo = end; upTo > 0; ) {
    const from = Math.max(0, upTo - block);
    await file.read(bytes, 0, upTo - from, from);
    for (let at = upTo - from - 1; at >= 0; at--)
      // The newline at the very end ends the last line and begins none.
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
