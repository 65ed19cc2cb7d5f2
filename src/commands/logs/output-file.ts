import type { FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { endBytes, parseEndRecord } from '../../docker/end-record.ts';

/**
 * What an agent has printed, as a file that may still grow. It is read in blocks: neither a transcript of any length
 * nor a line of any length is ever held in memory.
 */

const block = 64 * 1024;

/** Tells the bytes from `start` on as they come, until `whole` resolves, but for the container's end record. Returns how many. */
export async function readOutput(
  file: FileHandle,
  start: number,
  whole: Promise<unknown>,
  onBytes: (bytes: Buffer) => Promise<void>,
): Promise<number> {
  let isWhole = false;
  const grown = whole.then(() => {
    isWhole = true;
  });
  for (let at = start, before = -1; ; ) {
    // Asked first: what is added between the two is seen in the next round.
    const isLast = isWhole;
    const { size } = await file.stat();
    const end = await printedEnd(file, size, isLast || size === before);
    for await (const bytes of range(file, at, end)) await onBytes(bytes);
    at = Math.max(at, end);
    if (isLast) return at - start;
    before = size;
    await Promise.race([grown, delay(100)]);
  }
}

/**
 * Where what the agent has printed ends: before the end record, which agent-init puts on a line of its own with a
 * newline before it, and before the titles by which agent-run knows that tmux has read everything, and in which
 * agent-init tells what an AI CLI has used and what its screen was. While more is coming, also before what may become a record.
 */
export async function printedEnd(file: FileHandle, size: number, isAtRest: boolean): Promise<number> {
  const tail = Buffer.alloc(Math.min(size, endBytes));
  const { bytesRead } = await file.read(tail, 0, tail.length, size - tail.length);
  const text = tail.toString('latin1', 0, bytesRead);
  const told = text.slice(0, recordStart(text, isAtRest)).replace(title, '');
  return size - (text.length - told.length);
}

const opening = 'agent-end ';
const title =
  /(?:\x1b\]2;agent-end-\d{1,9}\x07)?(?:\x1b\]2;agent-(?:screen|report)-[a-z0-9-]+-[A-Za-z0-9+/=]+\x07){0,2}$/;

function recordStart(text: string, isAtRest: boolean): number {
  const lastLine = text.endsWith('\n') ? text.slice(text.lastIndexOf('\n', text.length - 2) + 1, -1) : '';
  if (parseEndRecord(lastLine)) return Math.max(0, text.length - lastLine.length - 2);
  const newline = text.lastIndexOf('\n');
  if (isAtRest || newline < 0) return text.length;
  const begun = text.slice(newline + 1);
  const mayBecomeOne = opening.startsWith(begun) || (begun.startsWith(opening) && begun.length < 100);
  return mayBecomeOne ? newline : text.length;
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
