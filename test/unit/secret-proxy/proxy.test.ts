import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttps, request as httpsRequest } from 'node:https';
import { type AddressInfo, connect as connectTcp, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { createAuthority } from '../../../src/secret-proxy/certificates.ts';
import { grantsInMemory } from '../../../src/secret-proxy/grants.ts';
import { interceptingServer } from '../../../src/secret-proxy/intercept.ts';

const value = 'real-token/+Zq7d81kx=&';
const placeholder = 'agent_flow_0123456789';
const host = 'api.example.com:443';
const worker = 'tmux-agent-r1-worker-1.some-network';

const directory = (t: ExecutionContext) => {
  const path = mkdtempSync(join(tmpdir(), 'agent-flow-secret-proxy-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

const portOf = async (t: ExecutionContext, server: Server) => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void server.close());
  return (server.address() as AddressInfo).port;
};

type Respond = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** Start a host with a certificate of an authority of its own, squid's part of the proxy, and the server with the secrets. */
async function setUp(t: ExecutionContext, respond: Respond, header = 'Authorization: Bearer $') {
  const outside = await createAuthority(directory(t), 'outside');
  const seen: { headers: IncomingMessage['headers']; raw: readonly string[]; body: string }[] = [];
  const server = createHttps(
    { SNICallback: (name, done) => void outside.contextFor(name).then(context => done(null, context), done) },
    async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks).toString();
      seen.push({ headers: request.headers, raw: request.rawHeaders, body });
      respond(request, response, body);
    },
  );
  const serverPort = await portOf(t, server);
  const connected: string[] = [];
  const squid = createHttp();
  squid.on('connect', ({ url = '' }, socket: Socket) => {
    connected.push(url);
    const upstream = connectTcp(serverPort, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    for (const one of [upstream, socket]) one.on('error', () => {});
    socket.on('close', () => upstream.destroy());
  });
  const proxyPort = await portOf(t, squid);
  const authority = await createAuthority(directory(t), 'proxy');
  const grants = grantsInMemory();
  grants.set({
    agent: 'worker',
    grants: [{ placeholder, value, header, hosts: [host] }],
    authorities: outside.certificate,
  });
  const intercepting = interceptingServer({ runId: 'r1', key: 'k1', grants, authority, proxyPort });
  const port = await portOf(t, intercepting);
  const authorities = { proxy: authority.certificate, outside: outside.certificate };
  return { port, seen, connected, grants, authorities };
}

/** Open a connection as squid does for a client with this name. */
async function tunnelTo(port: number, target: string, client: string): Promise<Socket> {
  const socket = connectTcp(port, '127.0.0.1');
  socket.write(
    `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\nX-Agent-Flow-Client: ${client.includes(' ') ? client : `k1 ${client}`}\r\n\r\n`,
  );
  const [reply] = await new Promise<[Buffer]>((resolve, reject) => {
    socket.once('data', data => resolve([data]));
    socket.once('close', () => reject(new Error('closed')));
  });
  if (!reply.toString().startsWith('HTTP/1.1 200')) throw new Error(reply.toString());
  return socket;
}

interface Sent {
  readonly target?: string;
  readonly client?: string;
  readonly ca: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

async function send(port: number, { target = host, client = worker, ca, ...rest }: Sent) {
  const { method = 'GET', headers = {}, body } = rest;
  const raw = await tunnelTo(port, target, client);
  const servername = target.split(':')[0]!;
  const socket = connectTls({ socket: raw, ca, servername });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpsRequest({
      createConnection: () => socket,
      method,
      path: '/x?y=1',
      headers: { host: servername, ...headers },
    });
    request.on('response', resolve).on('error', reject);
    request.end(body);
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  socket.destroy();
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() };
}

const echo: Respond = (request, response, body) => {
  const own = String(request.headers.authorization ?? '');
  response.setHeader('X-Echo', own);
  response.setHeader('Location', `https://other.example.com/?t=${encodeURIComponent(value)}`);
  response.end(
    JSON.stringify({ headers: request.headers, body, base64: btoa(own), split: [...own] }, null, 1),
  );
};

test('the header with the placeholder gets the secret, and the response loses it', async t => {
  const { port, seen, connected, authorities } = await setUp(t, echo);
  const headers = { authorization: `token ${placeholder}`, 'x-other': placeholder };
  const sent = { ca: authorities.proxy, method: 'POST', headers, body: `body ${placeholder}` };
  const { status, body, headers: received } = await send(port, sent);
  t.is(status, 200);
  t.is(seen[0]!.headers.authorization, `Bearer ${value}`);
  t.is(seen[0]!.headers['x-other'], placeholder);
  t.is(seen[0]!.headers.host, 'api.example.com');
  t.is(seen[0]!.body, `body ${placeholder}`);
  t.false('x-agent-flow-client' in seen[0]!.headers);
  t.deepEqual(connected, [host]);
  const all = JSON.stringify(received) + body;
  for (const form of [value, encodeURIComponent(value), btoa(`Bearer ${value}`).slice(12, -4)])
    t.false(all.includes(form), form);
  t.is(received['x-echo'], 'Bearer [secret]');
});

test('a header without the placeholder, and an unnamed one, stay as they are', async t => {
  const { port, seen, authorities } = await setUp(t, echo, 'X-Api-Key: $');
  await send(port, { ca: authorities.proxy, headers: { authorization: `Bearer ${placeholder}` } });
  await send(port, { ca: authorities.proxy, headers: { 'x-api-key': 'something else' } });
  await send(port, { ca: authorities.proxy, headers: { 'x-api-key': placeholder } });
  t.is(seen[0]!.headers.authorization, `Bearer ${placeholder}`);
  t.is(seen[1]!.headers['x-api-key'], 'something else');
  t.is(seen[2]!.headers['x-api-key'], value);
});

test('in Basic credentials the placeholder itself is replaced', async t => {
  const { port, seen, authorities } = await setUp(t, echo);
  for (const credentials of [`x-access-token:${placeholder}`, `${placeholder}:`, 'me:mine']) {
    const headers = { authorization: `Basic ${btoa(credentials)}` };
    const { body } = await send(port, { ca: authorities.proxy, headers });
    const got = atob(seen.at(-1)!.headers.authorization!.split(' ')[1]!);
    t.is(got, credentials.replace(placeholder, value));
    t.false(body.includes(btoa(got)) && credentials !== 'me:mine');
  }
});

test('another agent, an unknown client and another host get nothing, and see the host itself', async t => {
  const { port, seen, grants, authorities } = await setUp(t, echo);
  grants.set({
    agent: 'other',
    grants: [
      {
        placeholder: 'agent_flow_other',
        value: 'value-of-other',
        header: 'Authorization: Bearer $',
        hosts: [host],
      },
    ],
    authorities: authorities.outside,
  });
  const headers = { authorization: `Bearer ${placeholder}` };
  const ca = authorities.outside;
  for (const client of [
    'tmux-agent-r1-unknown-1.some-network',
    'tmux-agent-r2-worker-1.some-network',
    'tmux-agent-r1-worker.some-network',
    'worker',
    '-',
    // Not by squid.
    `k2 ${worker}`,
    ` ${worker}`,
  ]) {
    await send(port, { ca, client, headers });
    t.is(seen.at(-1)!.headers.authorization, headers.authorization, client);
    await t.throwsAsync(send(port, { ca: authorities.proxy, client, headers }), undefined, client);
  }
  await send(port, { ca: authorities.proxy, client: 'tmux-agent-r1-other-3.n', headers });
  t.is(seen.at(-1)!.headers.authorization, headers.authorization);
  await send(port, { ca, target: 'other.example.com:443', headers });
  t.is(seen.at(-1)!.headers.authorization, headers.authorization);
  await send(port, { ca, target: 'api.example.com:8443', headers });
  t.is(seen.at(-1)!.headers.authorization, headers.authorization);
});

test('a request cannot name another host, or ask for parts or an encoding of the response', async t => {
  const { port, seen, authorities } = await setUp(t, echo);
  const headers = {
    host: 'evil.example.net',
    range: 'bytes=0-3',
    'accept-encoding': 'gzip, br',
    connection: 'x-hop, keep-alive',
    'x-hop': '1',
    te: 'trailers',
  };
  t.is((await send(port, { ca: authorities.proxy, headers })).status, 200);
  const got = seen[0]!.headers;
  t.is(got.host, 'api.example.com');
  t.is(got['accept-encoding'], 'identity');
  for (const name of ['range', 'x-hop', 'te']) t.false(name in got, name);
});

test('an encoded response is decoded, and one of an unknown encoding is refused', async t => {
  const { port, authorities } = await setUp(t, (request, response) => {
    const encoding = String(request.headers['x-want']);
    response.setHeader('Content-Encoding', encoding);
    const text = `before ${request.headers.authorization} after`;
    response.end(encoding === 'gzip' ? gzipSync(text) : text);
  });
  const want = (encoding: string) =>
    send(port, {
      ca: authorities.proxy,
      headers: { 'x-want': encoding, authorization: `Bearer ${placeholder}` },
    });
  const gzipped = await want('gzip');
  t.is(gzipped.body, 'before Bearer [secret] after');
  t.false('content-encoding' in gzipped.headers);
  const unknown = await want('x-rot13');
  t.is(unknown.status, 502);
  t.false(unknown.body.includes(value));
});

test('a secret that arrives in pieces is found, and complete lines are passed on at once', async t => {
  const { port, authorities } = await setUp(t, (_, response) => {
    response.write('data: first\n\n');
    response.write(`data: ${value.slice(0, 8)}`);
    setImmediate(() => response.end(`${value.slice(8)}\n`));
  });
  const raw = await tunnelTo(port, host, worker);
  const socket = connectTls({ socket: raw, ca: authorities.proxy, servername: 'api.example.com' });
  socket.write('GET / HTTP/1.1\r\nHost: api.example.com\r\n\r\n');
  let text = '';
  for await (const chunk of socket) {
    text += String(chunk);
    if (text.endsWith('0\r\n\r\n')) break;
  }
  t.true(text.includes('data: first\n\n'));
  t.true(text.includes('data: [secret]\n'));
});

test('a host whose certificate is not valid gets nothing', async t => {
  const { port, seen, grants, authorities } = await setUp(t, echo);
  const own = { placeholder, value, header: 'Authorization: Bearer $', hosts: [host] };
  grants.set({ agent: 'worker', grants: [own], authorities: '' });
  const headers = { authorization: `Bearer ${placeholder}` };
  const { status, body } = await send(port, { ca: authorities.proxy, headers });
  t.is(status, 502);
  t.regex(body, /^agent-flow proxy: cannot connect to api\.example\.com:443: /);
  t.is(seen.length, 0);
});

test('HEAD keeps the length of the response, and bodies of either framing arrive', async t => {
  const { port, seen, authorities } = await setUp(t, (request, response, body) => {
    response.setHeader('Content-Length', String(body.length));
    response.end(request.method === 'HEAD' ? undefined : body);
  });
  const ca = authorities.proxy;
  t.is((await send(port, { ca, method: 'HEAD' })).headers['content-length'], '0');
  const body = 'x'.repeat(300_000);
  t.is((await send(port, { ca, method: 'PUT', body })).body, body);
  const chunked = await send(port, { ca, method: 'POST', headers: { 'transfer-encoding': 'chunked' }, body });
  t.is(chunked.body, body);
  t.is(seen.at(-1)!.headers['transfer-encoding'], 'chunked');
  t.is(
    (await send(port, { ca, method: 'DELETE', headers: { 'content-length': '3' }, body: 'abc' })).body,
    'abc',
  );
});

test('each host has a certificate of its own, made once', async t => {
  const authority = await createAuthority(directory(t), 'agent-flow r1');
  const first = await authority.contextFor('a.example.com');
  t.is(await authority.contextFor('a.example.com'), first);
  t.not(await authority.contextFor('b.example.com'), first);
  t.true(new X509Certificate(authority.certificate).ca);
});
