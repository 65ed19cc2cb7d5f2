import { beginMark } from './end-record.ts';

const opening = beginMark('').slice(0, -1);
const mark = /^\x1b\]2;agent-begin-[a-z0-9-]{1,64}\x07/;
const mayBecomeMark = (text: string) =>
  opening.startsWith(text) ||
  (text.startsWith(opening) && /^[a-z0-9-]{0,64}$/.test(text.slice(opening.length)));
/** The terminal echoes the line that starts the agent, after what a person may have typed and agent-inject took away. */
const typedLine = /^(?:.*\x08)?agent-run\r?\n?$/;
const greeting = /^Waiting for the agent\. What you type here is not run\.\r?\n?$/;
/** Of agent-auth, before there is a session: it is for people. */
const message = /^agent-auth: /;

/** Bytes of a line that is held back until it is known what it is. */
const longestLine = 4096;

/** Return what a line is that stands before those of the agent; null where it may be the agent's. */
export function lineBefore(line: string): 'typed' | 'greeting' | 'message' | null {
  if (typedLine.test(line)) return 'typed';
  if (greeting.test(line)) return 'greeting';
  return message.test(line) ? 'message' : null;
}

type Phase = 'mark' | 'lines' | 'over';

export interface OutputBegin {
  /** Takes bytes as they come, and returns those that are the agent's. */
  add(bytes: Buffer): Buffer;
  /** Return what was held back. */
  end(): Buffer;
  /** The mark that was taken away; empty where there was none. */
  readonly mark: string;
}

/**
 * Take out of a container's output, from its beginning on, what was not printed by the agent: the title by which the
 * output is known to be whole, and the line that was typed to start the agent. Without that title, nothing is taken out:
 * such an output begins in the middle.
 */
export function outputBegin(): OutputBegin {
  let phase = 'mark' as Phase;
  let held: Buffer = Buffer.alloc(0);
  let found = '';

  const takeMark = () => {
    const text = held.subarray(0, 128).toString('latin1');
    found = mark.exec(text)?.[0] ?? '';
    if (found === '' && mayBecomeMark(text)) return;
    phase = found === '' ? 'over' : 'lines';
    held = held.subarray(found.length);
  };
  /** Returns the lines that are for people. */
  const takeLines = () => {
    const kept: Buffer[] = [];
    while (phase === 'lines') {
      const end = held.subarray(0, longestLine).indexOf('\n') + 1;
      if (end === 0 && held.length < longestLine) break;
      const kind = lineBefore(held.toString('latin1', 0, end));
      if (kind === 'message') kept.push(held.subarray(0, end));
      if (kind !== null) held = held.subarray(end);
      if (kind === null || kind === 'typed') phase = 'over';
    }
    return kept;
  };

  const isOver = () => phase === 'over';
  const takeHeld = () => {
    const rest = held;
    held = Buffer.alloc(0);
    return rest;
  };

  return {
    add(bytes) {
      if (isOver()) return bytes;
      held = Buffer.concat([held, bytes]);
      if (phase === 'mark') takeMark();
      const kept = phase === 'lines' ? takeLines() : [];
      return Buffer.concat(isOver() ? [...kept, takeHeld()] : kept);
    },
    end() {
      phase = 'over';
      return takeHeld();
    },
    get mark() {
      return found;
    },
  };
}
