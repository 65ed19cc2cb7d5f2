import { closeSync, fstatSync, readSync } from 'node:fs';
import { openFile } from '../../store/state-files.ts';
import { plainText } from '../../text/text.ts';

/** Return the last lines of a transcript as plain text; none if it cannot be read. */
export function lastLines(transcript: string, count: number): readonly string[] {
  const lines = plainText(readable(transcript)).split('\n');
  while (lines.at(-1)?.trim() === '') lines.pop();
  return lines
    .slice(-count)
    .map(line => (line.length > maxLineLength ? `${line.slice(0, maxLineLength)}…` : line));
}

function readable(transcript: string): string {
  try {
    return lastPart(transcript);
  } catch {
    return '';
  }
}

const maxLineLength = 2000;
const maxBytes = 1 << 20;

function lastPart(file: string): string {
  const fd = openFile(file, 'r');
  try {
    const { size } = fstatSync(fd);
    const start = Math.max(0, size - maxBytes);
    const buffer = Buffer.alloc(size - start);
    const text = buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, start));
    // Drop the first line if it is cut.
    return start === 0 ? text : text.slice(text.indexOf('\n') + 1);
  } finally {
    closeSync(fd);
  }
}
