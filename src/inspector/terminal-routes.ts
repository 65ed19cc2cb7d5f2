import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { notFound, sendRefusal } from './access.ts';
import type { Terminals } from './terminals.ts';

/** Streams what an attempt prints for as long as somebody takes it. */
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
  // Whoever waits for a terminal that is silent knows that it is there.
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

/** Not a page, whatever an agent prints: a browser shows it as text at most, and loads nothing for it. */
const headers = (isSaved: boolean, name: string) => ({
  'Content-Type': 'text/plain; charset=utf-8',
  'Content-Security-Policy': "default-src 'none'; sandbox",
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
  ...(isSaved && { 'Content-Disposition': `attachment; filename="${name.replace(/[^\w.-]/g, '_')}"` }),
});

/** What a person types at once, or pastes. */
const maxTypedSize = 64 * 1024;

/** Takes `{agent, keys}`: what is typed arrives in the order in which it is asked for. */
export async function receiveTyping(
  request: IncomingMessage,
  response: ServerResponse,
  terminals: Terminals,
): Promise<void> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxTypedSize)
      return sendRefusal(response, { status: 413, reason: 'That is too much at once.' });
    chunks.push(chunk);
  }
  const typed = parseTyping(Buffer.concat(chunks).toString('utf8'));
  if (typed === null) return sendRefusal(response, { status: 400, reason: 'That is nothing to type.' });
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
