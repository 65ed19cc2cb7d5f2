import { endBytes, parseEndRecord } from './end-record.ts';

const opening = 'agent-end ';
const titleOpening = '\x1b]2;agent-';
const title =
  /(?:\x1b\]2;agent-end-\d{1,9}\x07(?:\x1b\\)?){0,2}(?:\x1b\]2;agent-(?:screen|report)-[a-z0-9-]+-[A-Za-z0-9+/=]+\x07){0,2}$/;

/**
 * Return how many bytes at the end of an output the agent has not printed:
 *
 * - the end record, which agent-init prints on a separate line, after a newline;
 * - the titles by which agent-run detects that tmux has read everything; the second one follows a string terminator, in case
 *   the agent left a control string open;
 * - the titles in which agent-init reports the usage of an AI CLI and its last screen;
 * - unless the output is complete (`isComplete`), a prefix of any of these.
 *
 * `tail` is the result of `tailOf`. If the nonce of the container is known, an end record with another nonce was printed by
 * the agent.
 */
export function unprinted(tail: Buffer, isComplete: boolean, nonce: string | null = null): number {
  const text = tail.toString('latin1');
  const start = Math.min(recordStart(text, isComplete, nonce), isComplete ? text.length : titleStart(text));
  return text.length - text.slice(0, start).replace(title, '').length;
}

/** Return the end of an output, as many bytes as `unprinted` needs. */
export const tailOf = (bytes: Buffer) => bytes.subarray(Math.max(0, bytes.length - endBytes));

function recordStart(text: string, isComplete: boolean, nonce: string | null): number {
  const lastLine = text.endsWith('\n') ? text.slice(text.lastIndexOf('\n', text.length - 2) + 1, -1) : '';
  const record = parseEndRecord(lastLine);
  if (record && record.nonce === (nonce ?? record.nonce))
    return Math.max(0, text.length - lastLine.length - 2);
  const newline = text.lastIndexOf('\n');
  if (isComplete || newline < 0) return text.length;
  const partial = text.slice(newline + 1);
  const mayBecomeOne = opening.startsWith(partial) || (partial.startsWith(opening) && partial.length < 100);
  return mayBecomeOne ? newline : text.length;
}

/** Return the start of a title that may still be incomplete. */
function titleStart(text: string): number {
  const start = text.lastIndexOf('\x1b');
  const partial = start < 0 ? '' : text.slice(start);
  const isOne =
    partial !== '' && (titleOpening.startsWith(partial) || /^\x1b\]2;agent-[A-Za-z0-9+/=-]*$/.test(partial));
  return isOne ? start : text.length;
}
