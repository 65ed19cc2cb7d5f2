import { once } from 'node:events';
import { type OutgoingHttpHeaders, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { StatelyInspectionEvent } from '@statelyai/inspect';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { WebSocket } from 'ws';
import { openRelay, type Relay, type RelayOptions } from '../../../src/inspector/relay.ts';

async function relayOf(t: ExecutionContext, options: Partial<RelayOptions> = {}): Promise<Relay> {
  const relay = await openRelay({ remembered: 100, maxLag: 100, gracePeriodMs: 0, ...options });
  t.teardown(() => relay.close());
  return relay;
}

const eventsOf = ({ url }: Relay) => `${url.replace('http:', 'ws:')}events`;

async function fetchPage(url: string, headers: OutgoingHttpHeaders = {}, method = 'GET') {
  const call = request(url, { headers, method }).end();
  const [response] = await once(call, 'response');
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

/** Return the status of an upgrade request. */
async function upgrade(url: string, options: { origin?: string; headers?: Record<string, string> } = {}) {
  const socket = new WebSocket(url, options);
  socket.on('error', () => {});
  const { promise, resolve } = Promise.withResolvers<number>();
  socket.once('open', () => resolve(101));
  socket.once('unexpected-response', (_, { statusCode }) => resolve(statusCode!));
  const status = await promise;
  socket.terminate();
  return status;
}

/** Open a WebSocket that never reads after its handshake. */
async function connectWithoutReading(relay: Relay, t: ExecutionContext): Promise<Socket> {
  const { hostname, port, pathname } = new URL(relay.url);
  const socket = connect(Number(port), hostname);
  t.teardown(() => socket.destroy());
  socket.on('error', () => {});
  socket.write(
    `GET ${pathname}events HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await once(socket, 'readable');
  return socket.pause();
}

const event = (size: number): StatelyInspectionEvent => ({
  type: '@xstate.event',
  event: { type: 'x'.repeat(size) },
  sourceId: undefined,
  rootId: 'x:0',
  sessionId: 'x:0',
  createdAt: '0',
  id: '0',
  _version: '0.7.2',
});

test('the page is served only for requests with its token and an allowed host', async t => {
  const relay = await relayOf(t);
  const { status, body } = await fetchPage(relay.url);
  t.is(status, 200);
  t.true(body.includes('<iframe'));

  const { origin, host, pathname } = new URL(relay.url);
  const wrongPath = pathname.replace(/^\/./, pathname[1] === '0' ? '/1' : '/0');
  for (const path of ['/', wrongPath, '//', pathname.slice(0, -1).slice(0, -1)])
    t.is((await fetchPage(origin + path)).status, 403, path);
  t.is((await fetchPage(`${relay.url}other`)).status, 404);
  t.is((await fetchPage(relay.url, {}, 'POST')).status, 403);
  t.is((await fetchPage(relay.url, { origin }, 'POST')).status, 405);
  for (const name of ['rebound.example:80', 'rebound.example', `${host}.rebound.example`, "127.0.0.1:1'; x"])
    t.is((await fetchPage(relay.url, { host: name })).status, 403, name);
  const viaTunnel = await fetchPage(relay.url, { host: 'localhost:9999' });
  t.is(viaTunnel.status, 200);
  t.regex(String(viaTunnel.headers['content-security-policy']), /connect-src ws:\/\/localhost:9999;/);
});

test('events are sent only to clients with the token and an allowed origin', async t => {
  const relay = await relayOf(t);
  const { origin } = new URL(relay.url);
  const events = eventsOf(relay);
  t.is(await upgrade(events), 101);
  t.is(await upgrade(events, { origin }), 101);
  t.is(await upgrade(events, { origin: 'https://rebound.example' }), 403);
  t.is(await upgrade(events, { origin: 'null' }), 403);
  t.is(await upgrade(events, { headers: { host: 'rebound.example' } }), 403);
  const rebound = { origin: 'http://rebound.example', headers: { host: 'rebound.example' } };
  t.is(await upgrade(events, rebound), 403);
  t.is(await upgrade(`${origin.replace('http:', 'ws:')}/events`), 403);
  t.is(await upgrade(`${origin.replace('http:', 'ws:')}/${'0'.repeat(32)}/events`), 403);
});

test('the relay listens on the loopback address only', async t => {
  const { port } = new URL((await relayOf(t)).url);
  const others = Object.values(networkInterfaces())
    .flatMap(found => found ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4');
  t.plan(others.length + 1);
  for (const { address } of others) {
    const socket = connect(Number(port), address);
    t.teardown(() => socket.destroy());
    const error = await once(socket, 'connect').catch(({ code }) => code);
    t.is(error, 'ECONNREFUSED', address);
  }
  t.pass();
});

test('messages of a client are ignored, and a large one closes its connection', async t => {
  const relay = await relayOf(t);
  const socket = new WebSocket(eventsOf(relay));
  const other = new WebSocket(eventsOf(relay));
  await Promise.all([once(socket, 'open'), once(other, 'open')]);
  const received: string[] = [];
  other.on('message', message => received.push(String(message)));
  socket.send(JSON.stringify(event(1)));
  socket.send('x'.repeat(5_000));
  const [code] = await once(socket, 'close');
  t.is(code, 1009);
  relay.send(event(2));
  await once(other, 'message');
  t.deepEqual(received, [JSON.stringify(event(2))]);
});

test('a client that does not read is dropped, and one that reads receives every event', async t => {
  const relay = await relayOf(t, { maxLag: 50 });
  const stalled = await connectWithoutReading(relay, t);
  const reader = new WebSocket(eventsOf(relay));
  const received: number[] = [];
  reader.on('message', message => received.push(String(message).length));
  await once(reader, 'open');
  const dropped = once(stalled, 'close');
  // 200 events of 100 kB exceed the socket buffers of both ends.
  let sent = 0;
  while (sent < 200) {
    relay.send(event(100_000));
    sent++;
    while (received.length < sent) await once(reader, 'message');
  }
  stalled.resume();
  await dropped;
  t.is(received.length, sent);
  t.true(stalled.bytesRead < sent * 100_000);
});

test('a history larger than a socket buffer is sent completely', async t => {
  const relay = await relayOf(t, { remembered: 100, maxLag: 1 });
  for (let count = 0; count < 100; count++) relay.send(event(100_000 + count));
  const reader = new WebSocket(eventsOf(relay));
  const sizes: number[] = [];
  reader.on('message', message => sizes.push(JSON.parse(String(message)).event.type.length));
  while (sizes.length < 100) await once(reader, 'message');
  t.deepEqual(
    sizes,
    Array.from({ length: 100 }, (_, count) => 100_000 + count),
  );
});

test('close sends all events to clients that read, then closes their connections', async t => {
  const relay = await openRelay({ remembered: 100, maxLag: 100, gracePeriodMs: 60_000 });
  for (let count = 0; count < 100; count++) relay.send(event(100_000));
  const reader = new WebSocket(eventsOf(relay));
  let received = 0;
  reader.on('message', () => received++);
  await once(reader, 'open');
  const closed = once(reader, 'close');
  await relay.close();
  t.is((await closed)[0], 1000);
  t.is(received, 100);
});

test('close does not wait for clients that do not read, nor for idle connections', async t => {
  const relay = await openRelay({ remembered: 100, maxLag: 100, gracePeriodMs: 10 });
  for (let count = 0; count < 100; count++) relay.send(event(100_000));
  const stalled = await connectWithoutReading(relay, t);
  const idle = connect(Number(new URL(relay.url).port), '127.0.0.1');
  t.teardown(() => idle.destroy());
  idle.on('error', () => {});
  await once(idle, 'connect');
  const dropped = once(stalled, 'close');
  await relay.close();
  stalled.resume();
  await dropped;
  t.true(stalled.bytesRead < 100 * 100_000);
  await relay.close();
});

test('a process that does not close its relay exits despite connected clients', async t => {
  const module = join(import.meta.dirname, '..', '..', '..', 'src', 'inspector', 'relay.ts');
  const script = `
    const { openRelay } = await import(${JSON.stringify(module)});
    const { url } = await openRelay({ remembered: 1, maxLag: 1, gracePeriodMs: 0 });
    process.stdout.write(url);
    process.stdin.resume();
  `;
  const relayProcess = execa(process.execPath, ['--input-type=module', '--eval', script]);
  const [url] = await once(relayProcess.stdout, 'data');
  const watcher = new WebSocket(`${String(url).replace('http:', 'ws:')}events`);
  watcher.on('error', () => {});
  await once(watcher, 'open');
  relayProcess.stdin.end();
  t.is((await relayProcess).exitCode, 0);
  watcher.terminate();
});
