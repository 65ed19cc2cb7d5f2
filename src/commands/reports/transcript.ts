import { closeSync, fstatSync, readSync } from 'node:fs';
import { openFile } from '../../store/state-files.ts';
import { plainText } from '../../text/text.ts';

/** The last lines that an agent has printed, plain. There are none of a transcript that cannot be read. */
export function lastLines(transcript: string, count: number): readonly string[] {
  const lines = plainText(readable(transcript)).split('\n');
  while (lines.at(-1)?.trim() === '') lines.pop();
  return lines
    .slice(-count)
    .map(line => (line.length > longestLine ? `${line.slice(0, longestLine)}…` : line));
}

function readable(transcript: string): string {
  try {
    return lastPart(transcript);
  } catch {
    return '';
  }
}

const longestLine = 2000;
const mostBytes = 1 << 20;

function lastPart(file: string): string {
  const fd = openFile(file, 'r');
  try {
    const { size } = fstatSync(fd);
    const start = Math.max(0, size - mostBytes);
    const buffer = Buffer.alloc(size - start);
    const text = buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, start));
    // The first line is not whole where the file begins further up.
    return start === 0 ? text : text.slice(text.indexOf('\n') + 1);
  } finally {
    closeSync(fd);
  }
}
