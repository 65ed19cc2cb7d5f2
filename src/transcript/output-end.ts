import { endBytes, parseEndRecord } from './end-record.ts';

const opening = 'agent-end ';
const titleOpening = '\x1b]2;agent-';
const title =
  /(?:\x1b\]2;agent-end-\d{1,9}\x07(?:\x1b\\)?){0,2}(?:\x1b\]2;agent-(?:screen|report)-[a-z0-9-]+-[A-Za-z0-9+/=]+\x07){0,2}$/;

/**
 * Return how many bytes at the end of an output the agent has not printed: the end record, which agent-init puts on a
 * line of its own with a newline before it, and the titles by which agent-run knows that tmux has read everything (a
 * second one behind an end of control strings, where the agent left one open), and in which agent-init tells what an AI
 * CLI has used and what its screen was. While more is coming, also what may become one of these. `tail` is what `tailOf`
 * returns of the output. Where the nonce of its container is known, an end record with another one is what the agent has
 * printed.
 */
export function unprinted(tail: Buffer, isAtRest: boolean, nonce: string | null = null): number {
  const text = tail.toString('latin1');
  const start = Math.min(recordStart(text, isAtRest, nonce), isAtRest ? text.length : titleStart(text));
  return text.length - text.slice(0, start).replace(title, '').length;
}

/** The end of an output, as much as `unprinted` has to see. */
export const tailOf = (bytes: Buffer) => bytes.subarray(Math.max(0, bytes.length - endBytes));

function recordStart(text: string, isAtRest: boolean, nonce: string | null): number {
  const lastLine = text.endsWith('\n') ? text.slice(text.lastIndexOf('\n', text.length - 2) + 1, -1) : '';
  const record = parseEndRecord(lastLine);
  if (record && record.nonce === (nonce ?? record.nonce))
    return Math.max(0, text.length - lastLine.length - 2);
  const newline = text.lastIndexOf('\n');
  if (isAtRest || newline < 0) return text.length;
  const begun = text.slice(newline + 1);
  const mayBecomeOne = opening.startsWith(begun) || (begun.startsWith(opening) && begun.length < 100);
  return mayBecomeOne ? newline : text.length;
}

/** Where a title begins that may still be coming. */
function titleStart(text: string): number {
  const start = text.lastIndexOf('\x1b');
  const begun = start < 0 ? '' : text.slice(start);
  const isOne =
    begun !== '' && (titleOpening.startsWith(begun) || /^\x1b\]2;agent-[A-Za-z0-9+/=-]*$/.test(begun));
  return isOne ? start : text.length;
}
