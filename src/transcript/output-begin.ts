import { beginMark } from './end-record.ts';

const opening = beginMark('').slice(0, -1);
const mark = /^\x1b\]2;agent-begin-[a-z0-9-]{1,64}\x07/;
const mayBecomeMark = (text: string) =>
  opening.startsWith(text) ||
  (text.startsWith(opening) && /^[a-z0-9-]{0,64}$/.test(text.slice(opening.length)));
/** The terminal echoes the line that starts the agent, after keys of the user that agent-inject has deleted. */
const typedLine = /^(?:.*\x08)?agent-run\r?\n?$/;
const greeting = /^Waiting for the agent\. What you type here is not run\.\r?\n?$/;
/** Printed by agent-auth before there is a session, for the user. */
const message = /^agent-auth: /;

/** Bytes of a line that are buffered until its kind is known. */
const maxLineBytes = 4096;

/** Return the kind of a line before those of the agent; null if the agent may have printed it. */
export function lineBefore(line: string): 'typed' | 'greeting' | 'message' | null {
  if (typedLine.test(line)) return 'typed';
  if (greeting.test(line)) return 'greeting';
  return message.test(line) ? 'message' : null;
}

type Phase = 'mark' | 'lines' | 'done';

export interface OutputBegin {
  /** Add a chunk, and return the bytes that the agent has printed. */
  add(bytes: Buffer): Buffer;
  /** Return the bytes that are still buffered. */
  end(): Buffer;
  /** The mark that was removed; empty if there was none. */
  readonly mark: string;
}

/**
 * Remove from the beginning of a container's output what the agent did not print: the title that proves that the output is
 * complete, and the line that was typed to start the agent. Without that title nothing is removed, since such an output
 * begins in the middle.
 */
export function outputBegin(): OutputBegin {
  let phase = 'mark' as Phase;
  let held: Buffer = Buffer.alloc(0);
  let found = '';

  const takeMark = () => {
    const text = held.subarray(0, 128).toString('latin1');
    found = mark.exec(text)?.[0] ?? '';
    if (found === '' && mayBecomeMark(text)) return;
    phase = found === '' ? 'done' : 'lines';
    held = held.subarray(found.length);
  };
  /** Remove those lines, and return the ones that are for the user. */
  const takeLines = () => {
    const kept: Buffer[] = [];
    while (phase === 'lines') {
      const end = held.subarray(0, maxLineBytes).indexOf('\n') + 1;
      if (end === 0 && held.length < maxLineBytes) break;
      const kind = lineBefore(held.toString('latin1', 0, end));
      if (kind === 'message') kept.push(held.subarray(0, end));
      if (kind !== null) held = held.subarray(end);
      if (kind === null || kind === 'typed') phase = 'done';
    }
    return kept;
  };

  const isDone = () => phase === 'done';
  const takeHeld = () => {
    const rest = held;
    held = Buffer.alloc(0);
    return rest;
  };

  return {
    add(bytes) {
      if (isDone()) return bytes;
      held = Buffer.concat([held, bytes]);
      if (phase === 'mark') takeMark();
      const kept = phase === 'lines' ? takeLines() : [];
      return Buffer.concat(isDone() ? [...kept, takeHeld()] : kept);
    },
    end() {
      phase = 'done';
      return takeHeld();
    },
    get mark() {
      return found;
    },
  };
}
