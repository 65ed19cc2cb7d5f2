import http, { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import https from 'node:https';
import { pipeline, Transform, type TransformCallback } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { redactor } from '../secrets/redact.ts';
import { generates, usageOfCall } from './estimate.ts';
import { type AcceptedCall, credentialHeaders } from './request.ts';
import { type Answer, type CallUsage, usageReader } from './usage.ts';

/** The result of a call that was forwarded. */
export interface Forwarded {
  /** null without an answer. */
  readonly status: number | null;
  readonly usage: CallUsage | null;
}

/** Bytes of a request's body. */
const maxBody = 128 * 2 ** 20;
/** Milliseconds without a byte from the API: a model may think for long. */
const silence = 15 * 60_000;

/** Not forwarded: they are about one connection, or about the agent's machine. */
const hopHeaders = [
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['expect', 'host', 'content-length', 'cookie', 'accept-encoding', 'forwarded', 'via'],
  ...['openai-organization', 'openai-project', 'x-goog-user-project'],
];
const answerHopHeaders = [
  ...['connection', 'keep-alive', 'proxy-authenticate', 'trailer', 'transfer-encoding', 'upgrade'],
  // The answer is decoded and redacted, so that its length may change.
  ...['content-length', 'content-encoding', 'set-cookie', 'alt-svc'],
];

/** Send a call to its API with the key, and the answer to the agent without it. Resolves when the answer has ended. */
export function forward(
  call: AcceptedCall,
  request: IncomingMessage,
  response: ServerResponse,
  agents: Agents,
): Promise<Forwarded> {
  const { promise, resolve } = Promise.withResolvers<Forwarded>();
  const { credential } = call;
  const url = new URL(`${credential.upstream}${call.target}`);
  const isPlain = url.protocol === 'http:';
  const outgoing = (isPlain ? http : https).request(url, {
    method: request.method!,
    headers: requestHeaders(request, call),
    agent: isPlain ? agents.http : agents.https,
    timeout: silence,
  });
  const body = bounded(maxBody);
  let isAnswered = false;
  const counted = (status: number | null, answer: Answer, isComplete: boolean) =>
    resolve({
      status,
      usage:
        isSuccess(status ?? 200) && generates(request.method, call.target)
          ? usageOfCall(answer, { isComplete, sent: body.length })
          : answer.usage,
    });
  const fail = (status: number, message: string) => {
    outgoing.destroy();
    answerError(response, status, message);
    if (!isAnswered) resolve({ status: null, usage: null });
  };
  outgoing.on('timeout', () => fail(504, 'the API has sent nothing for 15 minutes'));
  outgoing.on('error', error => fail(502, `the API cannot be reached: ${codeOf(error)}`));
  outgoing.on('response', answer => {
    isAnswered = true;
    outgoing.setTimeout(silence);
    void answerWith(answer, response, credential.key).then(({ status, isComplete, read }) =>
      counted(status, read, isComplete),
    );
  });
  // The agent has gone.
  response.on('close', () => {
    outgoing.destroy();
    // The API may have begun to answer.
    if (!isAnswered) counted(null, noAnswer, false);
  });
  pipeline(request, body.stream, outgoing, error => {
    if (error instanceof TooLong) fail(413, `the request has more than ${maxBody} bytes`);
  });
  return promise;
}

const noAnswer: Answer = { usage: null, model: null, characters: 0 };
const isSuccess = (status: number) => status >= 200 && status < 300;

export interface Agents {
  readonly http: http.Agent;
  readonly https: https.Agent;
}

/** Send an error in the form that the APIs use. */
export function answerError(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const error = { type: status === 401 ? 'authentication_error' : 'permission_error', code: status };
  const text = `agent-flow broker: ${message}`;
  const body = JSON.stringify({ type: 'error', error: { ...error, message: text } });
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(body);
}

function requestHeaders(request: IncomingMessage, { credential }: AcceptedCall): OutgoingHttpHeaders {
  const { header, prefix, key } = credential;
  const connection = String(request.headers.connection ?? '').toLowerCase();
  const dropped = [...hopHeaders, ...credentialHeaders, ...connection.split(',').map(name => name.trim())];
  const kept = Object.entries(request.headers).filter(([name]) => !dropped.includes(name));
  const length = request.headers['content-length'];
  return {
    ...Object.fromEntries(kept),
    ...(length === undefined ? {} : { 'content-length': length }),
    'accept-encoding': 'identity',
    [header]: `${prefix}${key}`,
  };
}

/** Pass the answer on as it arrives, without the key: some servers repeat the headers that they were sent. */
async function answerWith(
  answer: IncomingMessage,
  response: ServerResponse,
  key: string,
): Promise<{ status: number; isComplete: boolean; read: Answer }> {
  const { statusCode: status = 502, headers } = answer;
  const redact = redactor([key]);
  const kept = Object.entries(headers).filter(([name]) => !answerHopHeaders.includes(name));
  const usage = usageReader(/^text\/event-stream/.test(headers['content-type'] ?? ''));
  const decode = decoders[headers['content-encoding'] ?? 'identity'];
  if (decode === undefined) {
    answer.destroy();
    answerError(response, 502, 'the API has answered in an unknown encoding');
    return { status, isComplete: false, read: noAnswer };
  }
  response.writeHead(status, redact.deep(Object.fromEntries(kept)) as OutgoingHttpHeaders);
  response.flushHeaders();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const lines = redact.lines();
  const read = new Transform({
    transform(bytes: Buffer, _, done) {
      usage.add(bytes);
      done(null, lines.add(bytes));
    },
    flush: done => done(null, lines.end()),
  });
  pipeline([answer, ...decode(), read, response], error => resolve(!error));
  const isComplete = await promise;
  return { status, isComplete, read: usage.end() };
}

const decoders: Readonly<Record<string, () => Transform[]>> = {
  identity: () => [],
  gzip: () => [createGunzip()],
  deflate: () => [createInflate()],
  br: () => [createBrotliDecompress()],
};

class TooLong extends Error {}

/** Pass bytes on and count them, up to a limit. */
function bounded(limit: number): { readonly stream: Transform; readonly length: number } {
  let length = 0;
  const stream = new Transform({
    transform(bytes: Buffer, _, done: TransformCallback) {
      length += bytes.length;
      if (length > limit) done(new TooLong());
      else done(null, bytes);
    },
  });
  return {
    stream,
    get length() {
      return length;
    },
  };
}

/** Return the code of an error: its message may contain what was sent. */
const codeOf = (error: Error) =>
  'code' in error && /^[A-Z_0-9]{1,60}$/.test(String(error.code)) ? String(error.code) : 'unknown error';
