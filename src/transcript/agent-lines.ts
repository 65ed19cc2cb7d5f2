import { beginMark, parseEndRecord } from './end-record.ts';
import { lineBefore } from './output-begin.ts';

/**
 * Return a function that reduces a line of a container's output to the part that the agent printed, or to null if the agent
 * printed nothing of it. It is called with consecutive lines, from any line on.
 */
export function agentLines(nonce: string): (line: string) => string | null {
  const begin = beginMark(nonce);
  const titles = new RegExp(
    `\\x1b\\]2;agent-(?:end-\\d{1,9}|(?:screen|report)-${nonce}-[A-Za-z0-9+/=]*)\\x07`,
    'g',
  );
  let isBefore = false;
  return line => {
    if (parseEndRecord(line)?.nonce === nonce) return null;
    const isFirst = line.startsWith(begin);
    const rest = isFirst ? line.slice(begin.length) : line;
    const kind = isBefore || isFirst ? lineBefore(rest) : null;
    isBefore = kind === 'greeting' || kind === 'message';
    if (kind === 'typed' || kind === 'greeting') return null;
    const printed = rest.includes('\x1b]2;agent-') ? rest.replace(titles, '') : rest;
    return printed === '' && line !== '' ? null : printed;
  };
}
