import { beginMark, parseEndRecord } from './end-record.ts';
import { lineBefore } from './output-begin.ts';

/**
 * Return a function that leaves of a line of a container's output what the agent has printed; null where that is no line.
 * Lines are told one by one, in their order; the first may be any of the output.
 */
export function agentLines(nonce: string): (line: string) => string | null {
  const begin = beginMark(nonce);
  const said = new RegExp(
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
    const printed = rest.includes('\x1b]2;agent-') ? rest.replace(said, '') : rest;
    return printed === '' && line !== '' ? null : printed;
  };
}
