import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, zstdDecompress } from 'node:zlib';
import { anthropic } from './anthropic.ts';
import type { Api, Reply } from './api.ts';
import { chat } from './chat.ts';
import { decide } from './conversation.ts';
import { gemini } from './gemini.ts';
import type { StubEvent } from './log.ts';
import { type Mode, quotaCounter } from './mode.ts';
import { openai } from './openai.ts';
import type { Script } from './script.ts';

const apis: readonly Api[] = [anthropic, openai, gemini, chat];

/** Bytes of a request, also decompressed. */
const maxBody = 64 * 2 ** 20;

export interface StubOptions {
  /** Return the mode, for each request. */
  readonly mode: () => Mode;
  readonly log: (event: StubEvent) => void;
  /** Replies to other messages than `Write NONCE-… into the file …`. */
  readonly script?: Script;
}

/**
 * Create a server with the APIs of a model that follows instructions: `Write NONCE-… into the file …` makes it call one tool,
 * check the tool's result, and end its turn. It implements as much of the APIs as AI CLIs need. A key with the word `refused`
 * is not valid.
 */
export function modelStub({ mode, log, script = [] }: StubOptions): Server {
  const nextQuota = quotaCounter(Date.now);
  let count = 0;
  const handle = async (request: IncomingMessage): Promise<Reply> => {
    const { pathname } = new URL(request.url ?? '/', 'http://stub');
    const api = apis.find(api => api.route(pathname) !== null);
    if (!api) {
      log({ event: 'unknown', method: request.method ?? '', path: pathname.slice(0, 200) });
      return { status: 404, body: { error: { message: `unknown path: ${pathname}` } } };
    }
    // codex tries a WebSocket first, and continues with HTTP at once.
    if (request.headers.upgrade)
      return { status: 426, body: { error: { message: 'Only HTTP is supported.' } } };
    const refusal = refusalOf(api, request, { mode: mode(), nextQuota, log });
    if (refusal !== null) return refusal;
    const body = await readJson(request);
    if (api.route(pathname) === 'count') return { body: api.counted };
    await untilReply(api, body, { mode, log });
    const call = api.read(body, pathname);
    const decision = decide(call.steps, {
      ...call,
      script,
      isEndless: mode().name === 'endless',
    });
    const credential = credentialOf(api, request)!;
    for (const event of decision.events) log({ api: api.name, ...event, model: call.model, credential });
    count += 1;
    return call.reply(decision, `stub${count}`);
  };
  // A client that is slow between two requests would find a connection that is being closed.
  return createServer({ keepAliveTimeout: 0 }, (request, response) => {
    void handle(request)
      .catch((error: Error) => ({ status: 500, body: { error: { message: error.message } } }))
      .then(reply => send(response, reply));
  });
}

const credentialOf = ({ credentials }: Api, { headers }: IncomingMessage) =>
  credentials.find(header => headers[header]);

function refusalOf(
  api: Api,
  request: IncomingMessage,
  {
    mode,
    nextQuota,
    log,
  }: { readonly mode: Mode; readonly nextQuota: ReturnType<typeof quotaCounter> } & Pick<StubOptions, 'log'>,
): Reply | null {
  const credential = credentialOf(api, request);
  if (mode.name === '401' || !credential || /refused/.test(String(request.headers[credential]))) {
    log({ api: api.name, event: 'unauthorized', ...(credential && { credential }) });
    return api.unauthorized();
  }
  const quota = mode.name === '429' ? nextQuota(mode) : null;
  if (quota === null) return null;
  log({ api: api.name, event: 'refused', resetAt: quota.resetAt });
  return api.exhausted(quota);
}

/** Log the marks of a request, and wait as long as the mode demands. */
async function untilReply(api: Api, body: object, { mode, log }: Omit<StubOptions, 'script'>): Promise<void> {
  const marks = [...new Set(JSON.stringify(body).match(/zqmark[a-z0-9]{8}/g))];
  if (marks.length > 0) log({ api: api.name, event: 'marks', marks });
  const { name, seconds } = mode();
  if (name === 'slow') await delay(seconds * 1000);
  if (name === 'held') log({ api: api.name, event: 'held' });
  while (mode().name === 'held') await delay(100);
}

const options = { maxOutputLength: maxBody };
const decoders: Readonly<Record<string, (bytes: Buffer) => Promise<Buffer>>> = {
  gzip: bytes => promisify<Buffer, object, Buffer>(gunzip)(bytes, options),
  br: bytes => promisify<Buffer, object, Buffer>(brotliDecompress)(bytes, options),
  zstd: bytes => promisify<Buffer, object, Buffer>(zstdDecompress)(bytes, options),
};

async function readJson(request: IncomingMessage): Promise<object> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBody) throw new Error('the request is too large');
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  const decode = decoders[request.headers['content-encoding'] ?? ''];
  const body: unknown = JSON.parse(String(decode ? await decode(bytes) : bytes) || '{}');
  if (typeof body !== 'object' || body === null) throw new Error('the request is not a JSON object');
  return body;
}

function send(response: ServerResponse, reply: Reply): void {
  const { status = 200, headers = {} } = reply;
  if ('body' in reply) {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(reply.body));
    return;
  }
  response.writeHead(status, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    ...headers,
  });
  for (const event of reply.events)
    response.write(`${event.type ? `event: ${event.type}\n` : ''}data: ${JSON.stringify(event)}\n\n`);
  response.end(reply.end);
}
