import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { notFound, sendRefusal } from './access.ts';
import type { Output } from './page-data.ts';
import { readJsonBody, tooLarge } from './read-body.ts';
import type { Terminals } from './terminals.ts';

/** Stream the output of an attempt, or of the check of a round, until the client disconnects. */
export async function streamTerminal(
  query: URLSearchParams,
  response: ServerResponse,
  terminals: Terminals,
  over: AbortSignal,
): Promise<void> {
  const agent = query.get('agent') ?? '';
  const output = outputOf(query);
  if (output === null) return sendRefusal(response, notFound);
  const name = `${agent}${output.of === 'check' ? '-check' : ''}-${output.number}.log`;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, over]);
  const begin = () => {
    if (!response.headersSent) response.writeHead(200, headers(query.has('save'), name));
  };
  // Send headers early, so that the client knows that a silent terminal exists.
  const waiting = setTimeout(() => {
    begin();
    response.flushHeaders();
  }, 250);
  try {
    const isThere = await terminals.read(agent, output, {
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

function outputOf(query: URLSearchParams): Output | null {
  const of = query.has('check') ? 'check' : 'attempt';
  const number = Number(query.get(of));
  return Number.isInteger(number) && number > 0 ? { of, number } : null;
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
  const body = await readJsonBody(request, maxTypedSize);
  if (body === tooLarge) return sendRefusal(response, { status: 413, reason: 'Too many keys at once.' });
  const { agent, keys } = (body ?? {}) as { readonly agent?: unknown; readonly keys?: unknown };
  if (typeof agent !== 'string' || typeof keys !== 'string' || keys === '')
    return sendRefusal(response, { status: 400, reason: 'Invalid keys.' });
  await terminals.type(agent, Buffer.from(keys));
  response.writeHead(204).end();
}
