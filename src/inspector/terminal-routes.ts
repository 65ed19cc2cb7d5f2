import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { notFound, sendRefusal } from './access.ts';
import type { Terminals } from './terminals.ts';

/** Stream the output of an attempt until the client disconnects. */
export async function streamTerminal(
  query: URLSearchParams,
  response: ServerResponse,
  terminals: Terminals,
  over: AbortSignal,
): Promise<void> {
  const agent = query.get('agent') ?? '';
  const attempt = Number(query.get('attempt'));
  if (!Number.isInteger(attempt) || attempt < 1) return sendRefusal(response, notFound);
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, over]);
  const begin = () => {
    if (!response.headersSent) response.writeHead(200, headers(query.has('save'), `${agent}-${attempt}.log`));
  };
  // Send headers early, so that the client knows that a silent terminal exists.
  const waiting = setTimeout(() => {
    begin();
    response.flushHeaders();
  }, 250);
  try {
    const isThere = await terminals.read(agent, attempt, {
      follow: !query.has('save'),
      signal,
      async write(bytes) {
        if (bytes.length === 0) return;
        begin();
        if (!response.write(bytes)) await once(response, 'drain', { signal }).catch(() => {});
      },
    });
    if (!isThere && !response.headersSent) return sendRefusal(response, notFound);
    begin();
    response.end();
  } finally {
    clearTimeout(waiting);
  }
}

/** Headers that make a browser treat the output as text and load nothing for it. */
const headers = (isSaved: boolean, name: string) => ({
  'Content-Type': 'text/plain; charset=utf-8',
  'Content-Security-Policy': "default-src 'none'; sandbox",
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
  ...(isSaved && { 'Content-Disposition': `attachment; filename="${name.replace(/[^\w.-]/g, '_')}"` }),
});

/** Bytes that are typed or pasted at once. */
const maxTypedSize = 64 * 1024;

/** Receive `{agent, keys}`, and type the keys. */
export async function receiveTyping(
  request: IncomingMessage,
  response: ServerResponse,
  terminals: Terminals,
): Promise<void> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxTypedSize) return sendRefusal(response, { status: 413, reason: 'Too many keys at once.' });
    chunks.push(chunk);
  }
  const typed = parseTyping(Buffer.concat(chunks).toString('utf8'));
  if (typed === null) return sendRefusal(response, { status: 400, reason: 'Invalid keys.' });
  await terminals.type(typed.agent, Buffer.from(typed.keys));
  response.writeHead(204).end();
}

function parseTyping(text: string): { readonly agent: string; readonly keys: string } | null {
  try {
    const { agent, keys } = JSON.parse(text);
    return typeof agent === 'string' && typeof keys === 'string' && keys !== '' ? { agent, keys } : null;
  } catch {
    return null;
  }
}
