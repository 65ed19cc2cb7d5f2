import type { IncomingMessage } from 'node:http';

/** Read the body of a request as JSON. Returns `tooLarge` for more than `maxSize` bytes, and null if it is not JSON. */
export async function readJsonBody(request: IncomingMessage, maxSize: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxSize) return tooLarge;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return null;
  }
}

export const tooLarge = Symbol('tooLarge');
