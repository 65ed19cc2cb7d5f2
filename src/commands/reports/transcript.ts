import { open } from 'node:fs/promises';
import { parseEndRecord } from '../../docker/end-record.ts';
import { plainText } from '../../views/text.ts';

/**
 * The last lines that an agent has printed, plain, without the end record, which is for the engine. There are none of a
 * transcript that cannot be read.
 */
export async function lastLines(transcript: string, count: number): Promise<readonly string[]> {
  const lines = plainText(await lastPart(transcript).catch(() => '')).split('\n');
  const dropBlank = () => {
    while (lines.at(-1)?.trim() === '') lines.pop();
  };
  dropBlank();
  if (parseEndRecord(lines.at(-1) ?? '')) lines.pop();
  dropBlank();
  return lines
    .slice(-count)
    .map(line => (line.length > longestLine ? `${line.slice(0, longestLine)}…` : line));
}

const longestLine = 2000;
const mostBytes = 1 << 20;

async function lastPart(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - mostBytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), { position: start });
    const text = buffer.toString('utf8', 0, bytesRead);
    // The first line is not whole where the file begins further up.
    return start === 0 ? text : text.slice(text.indexOf('\n') + 1);
  } finally {
    await handle.close();
  }
}
