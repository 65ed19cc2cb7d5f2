import { createServer, type IncomingHttpHeaders, type RequestListener, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import type { Credential } from '../../../src/broker/credentials.ts';
import type { AttemptLimit } from '../../../src/broker/meter.ts';
import { createBroker, type LoggedCall } from '../../../src/broker/server.ts';

const key = 'sk-real-91f2c07a55d1';

/** Start a broker before an API with this listener; `names` are those of the caller's container. */
async function start(
  t: ExecutionContext,
  api: RequestListener,
  { names = ['run-a-1.network'], ...changes }: Partial<Credential> & { names?: readonly string[] } = {},
) {
  const upstream = createServer(api).listen(0, '127.0.0.1');
  await new Promise(resolve => upstream.once('listening', resolve));
  const { promise: logged, resolve: log } = Promise.withResolvers<LoggedCall>();
  const broker = createBroker(async () => names, log);
  await new Promise<void>(resolve => broker.server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const server of [upstream, broker.server]) {
      server.close();
      server.closeAllConnections();
    }
  });
  const credential = {
    placeholder: 'placeholder-a',
    agent: 'a',
    container: 'run-a-',
    upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/gateway`,
    base: '/v1',
    paths: ['POST /messages', 'GET /messages', 'GET /models', 'POST /models/*:generate'],
    header: 'x-api-key',
    prefix: '',
    key,
    ...changes,
  };
  const load = (limits: readonly AttemptLimit[]) =>
    broker.load({ credentials: [credential], certificates: null, limits, used: [] });
  load([]);
  const { port } = broker.server.address() as AddressInfo;
  const call = (
    path: string,
    {
      method = 'GET',
      headers = {},
      body = '',
    }: { method?: string; headers?: IncomingHttpHeaders; body?: string } = {},
  ) => {
    const { promise, resolve, reject } = Promise.withResolvers<{
      status: number;
      headers: IncomingHttpHeaders;
      body: string;
    }>();
    const given = { 'x-api-key': 'placeholder-a', ...headers };
    const out = request({ port, host: '127.0.0.1', method, path, headers: given }, async answer => {
      resolve({ status: answer.statusCode!, headers: answer.headers, body: await text(answer) });
    });
    out.on('error', reject).end(body);
    return promise;
  };
  return { call, load, logged, port };
}

/** Send bytes, and return what comes back until the connection ends. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(bytes);
  return text(socket).catch(() => '');
}

const echo: RequestListener = (incoming, response) => {
  const body = JSON.stringify({ path: incoming.url, headers: incoming.headers });
  response.setHeader('x-echo', String(incoming.headers['x-api-key']));
  response.end(body);
};

test('a call gets the key in place of the placeholder, and the answer has neither', async t => {
  let seen: IncomingHttpHeaders = {};
  const { call } = await start(t, (incoming, response) => {
    seen = incoming.headers;
    echo(incoming, response);
  });
  const headers = {
    authorization: 'Bearer other',
    'anthropic-version': '1',
    cookie: 'c=1',
    'accept-encoding': 'gzip',
  };
  const {
    status,
    body,
    headers: answered,
  } = await call('/v1/messages?beta=true', { method: 'POST', headers });
  t.is(status, 200);
  t.is(seen['x-api-key'], key);
  t.is(seen['anthropic-version'], '1');
  t.is(seen.authorization, undefined);
  t.is(seen.cookie, undefined);
  t.is(seen['accept-encoding'], 'identity');
  t.is(JSON.parse(body).path, '/gateway/messages?beta=true');
  t.false(body.includes(key) || JSON.stringify(answered).includes(key));
});

for (const [title, encoded] of [
  ['as it is', key],
  ['in base64', Buffer.from(`x:${key}`).toString('base64')],
  ['URL-encoded', encodeURIComponent(key).replaceAll('-', '%2D')],
] as const)
  test(`a key that the API repeats ${title} does not reach the agent`, async t => {
    const { call } = await start(t, (_, response) => {
      // Split over two chunks.
      response.write(encoded.slice(0, 9));
      setImmediate(() => response.end(`${encoded.slice(9)} and more`));
    });
    const { body } = await call('/v1/messages');
    t.false(body.includes(encoded));
    t.regex(body, / and more$/);
  });

test('a compressed answer is decoded, so that a key in it is found', async t => {
  const { call } = await start(t, (_, response) => {
    response.setHeader('content-encoding', 'gzip');
    response.end(gzipSync(`the key is ${key}.`));
  });
  const { body, headers } = await call('/v1/messages');
  t.regex(body, /^the key is .*\.$/);
  t.false(body.includes(key));
  t.is(headers['content-encoding'], undefined);
});

test('events arrive as the API sends them', async t => {
  const { promise: isRead, resolve: read } = Promise.withResolvers<void>();
  const { port } = await start(t, async (_, response) => {
    response.setHeader('content-type', 'text/event-stream');
    response.write('data: 1\n\n');
    await isRead;
    response.end('data: 2\n\n');
  });
  const headers = { 'x-api-key': 'placeholder-a' };
  const { promise, resolve } = Promise.withResolvers<string>();
  request({ port, host: '127.0.0.1', path: '/v1/messages', headers }, answer => {
    answer.setEncoding('utf8').once('data', async (first: string) => {
      read();
      resolve(`${first}|${await text(answer)}`);
    });
  }).end();
  t.is(await promise, 'data: 1\n\n|data: 2\n\n');
});

const refusals: readonly (readonly [
  string,
  number,
  string,
  Parameters<Awaited<ReturnType<typeof start>>['call']>[1]?,
])[] = [
  ['another placeholder', 401, '/v1/messages', { headers: { 'x-api-key': 'placeholder-b' } }],
  ['no placeholder', 401, '/v1/messages', { headers: { 'x-api-key': '' } }],
  ['a path of the API that is not for agents', 403, '/v1/organizations', {}],
  ['a path that only begins like one', 403, '/v1/messagesx', {}],
  ['a path below one', 403, '/v1/messages/batches', {}],
  ['another method of a path', 403, '/v1/models', { method: 'POST' }],
  ['another method of a model', 403, '/v1/models/m:tune', { method: 'POST' }],
  ['a path outside of the API', 403, '/admin', {}],
  ['a path with dots', 400, '/v1/messages/../organizations', {}],
  ['an encoded path', 400, '/v1/messages/%2e%2e/organizations', {}],
  ['two slashes', 400, '/v1//messages', {}],
  ['another method', 405, '/v1/messages', { method: 'DELETE' }],
  ['a WebSocket', 426, '/v1/messages', { headers: { connection: 'Upgrade', upgrade: 'websocket' } }],
];
for (const [title, status, path, options] of refusals)
  test(`${title} is refused with ${status}, and nothing is sent to the API`, async t => {
    let count = 0;
    const { call, logged } = await start(t, (_, response) => {
      count++;
      response.end();
    });
    const refused = await call(path, options);
    t.is(refused.status, status);
    t.regex(JSON.parse(refused.body).error.message, /^agent-flow broker: /);
    t.is(count, 0);
    t.like(await logged, { agent: null, status: null });
  });

test('a call with a part of its path left open is forwarded', async t => {
  const { call } = await start(t, echo);
  const { body } = await call('/v1/models/m-1:generate?alt=sse', { method: 'POST' });
  t.is(JSON.parse(body).path, '/gateway/models/m-1:generate?alt=sse');
});

test('a placeholder is refused in the container of another agent', async t => {
  for (const names of [['run-b-1.network'], ['run-a-b-1.network'], ['run-a-1x.network'], []]) {
    const { call } = await start(t, echo, { names });
    t.is((await call('/v1/messages')).status, 403);
  }
});

test('CONNECT, an absolute address, huge headers and two lengths are refused', async t => {
  const { port } = await start(t, echo);
  t.regex(
    await raw(port, 'CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n'),
    /^HTTP\/1.1 405 /,
  );
  const absolute =
    'GET http://example.com/v1/messages HTTP/1.1\r\nhost: a\r\nx-api-key: placeholder-a\r\n\r\n';
  t.regex(await raw(port, absolute), /^HTTP\/1.1 400 /);
  t.regex(
    await raw(port, `GET /v1/messages HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`),
    /^HTTP\/1.1 431 /,
  );
  const smuggled =
    'POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n';
  t.regex(await raw(port, smuggled), /^HTTP\/1.1 400 /);
});

test('an address has a bounded number of connections', async t => {
  const { port, call } = await start(t, echo);
  const sockets = Array.from({ length: 200 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  const { promise: isBounded, resolve } = Promise.withResolvers<void>();
  let closed = 0;
  for (const socket of sockets) socket.once('close', () => ++closed === 72 && resolve());
  await isBounded;
  for (const socket of sockets) socket.destroy();
  let status = 0;
  while (status !== 200) status = (await call('/v1/messages').catch(() => ({ status: 0 }))).status;
  t.is(status, 200);
});

test('an API that cannot be reached is an error of the gateway, without details', async t => {
  const { call, logged } = await start(t, echo, { upstream: 'http://127.0.0.1:1' });
  const { status, body } = await call('/v1/messages');
  t.is(status, 502);
  t.regex(JSON.parse(body).error.message, /the API cannot be reached: ECONNREFUSED$/);
  t.like(await logged, { agent: 'a', attempt: 1, status: null });
});

test('an attempt that has used its budget is refused, and the others are not', async t => {
  const answer = JSON.stringify({ model: 'm', usage: { input_tokens: 7, output_tokens: 3 } });
  let count = 0;
  const api: RequestListener = (_, response) => {
    count++;
    response.end(answer);
  };
  const { call, load } = await start(t, api);
  load([{ agent: 'a', attempt: 1, budget: { outputTokens: 2 } }]);
  t.is((await call('/v1/messages')).status, 200);
  const refused = await call('/v1/messages');
  t.is(refused.status, 403);
  t.regex(JSON.parse(refused.body).error.message, /its budget is used up: more than 2 tokens of output$/);
  t.is(count, 1);
  load([{ agent: 'a', attempt: 2, budget: { outputTokens: 2 } }]);
  t.is((await call('/v1/messages')).status, 200);
});

test('a call is logged with its agent, attempt and usage, and without its query', async t => {
  const { call, logged } = await start(t, (_, response) =>
    response.end(JSON.stringify({ model: 'm-1', usage: { input_tokens: 7, output_tokens: 3 } })),
  );
  await call('/v1/messages?secret=1', { method: 'POST', body: '{}' });
  t.deepEqual(await logged, {
    ...{ agent: 'a', attempt: 1, status: 200, method: 'POST', path: '/v1/messages' },
    usage: { model: 'm-1', inputTokens: 7, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 3 },
  });
});
