import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../src/clock.ts';
import type { Notification } from '../../../src/notify/notification.ts';
import { notifier } from '../../../src/notify/notifier.ts';
import { post } from '../../../src/notify/post.ts';

const notification = (more: Partial<Notification> = {}): Notification => ({
  ...{ version: 1, event: 'approval', runId: 'r1', flow: 'f', agent: 'go', status: 'awaitingApproval' },
  ...{ message: 'go waits for approval: Merge?', command: 'agent-flow approve r1 go' },
  at: '2026-01-02T12:00:00.000Z',
  ...more,
});

/** Start a receiver that is closed after the test. */
async function receiver(t: ExecutionContext, handle: RequestListener) {
  const server = createServer(handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/topic`;
}

const all = ['needsInput', 'approval', 'ended'] as const;
/** Pauses pass at once; the limit of the end does not. */
const quick = {
  now: () => 0,
  sleep: (ms: number, signal: AbortSignal) => systemClock.sleep(ms >= 5000 ? ms : 0, signal),
};

function notifying(url: string, { on = all as Notifying, redact = <T>(value: T) => value } = {}) {
  const warnings: string[] = [];
  const warn = (message: string) => void warnings.push(message);
  const receivers = [{ title: 'notify[0] (host)', url, on }];
  return { warnings, ...notifier(receivers, { clock: quick, warn, redact }) };
}
type Notifying = readonly (typeof all)[number][];

test('a receiver gets the events that it wants as JSON, in order and redacted', async t => {
  const bodies: unknown[] = [];
  const url = await receiver(t, async (request, response) => {
    t.is(request.method, 'POST');
    t.is(request.headers['content-type'], 'application/json');
    t.is(request.headers.authorization, `Basic ${Buffer.from('ann:pass word').toString('base64')}`);
    let text = '';
    for await (const chunk of request) text += chunk;
    bodies.push(JSON.parse(text));
    response.end('ok');
  });
  const address = url.replace('http://', 'http://ann:pass%20word@');
  const redact = <T>(value: T) => JSON.parse(JSON.stringify(value).replaceAll('s3cret', '***')) as T;
  const { send, close, warnings } = notifying(address, { on: ['approval', 'ended'], redact });
  send(notification({ message: 'token s3cret' }));
  send(notification({ event: 'needsInput' }));
  send(notification({ event: 'ended', agent: null }));
  await close(60_000);
  t.deepEqual(bodies, [
    notification({ message: 'token ***' }),
    notification({ event: 'ended', agent: null }),
  ]);
  t.deepEqual(warnings, []);
});

test('a receiver that fails and recovers gets the notification', async t => {
  let requests = 0;
  const url = await receiver(t, (_, response) => {
    requests++;
    response.statusCode = requests < 3 ? 503 : 200;
    response.end();
  });
  const { send, close, warnings } = notifying(url);
  send(notification());
  await close(60_000);
  t.is(requests, 3);
  t.deepEqual(warnings, []);
});

test('a receiver that keeps failing is one warning, without its address', async t => {
  let requests = 0;
  const url = await receiver(t, (_, response) => {
    requests++;
    response.writeHead(302, { location: '/elsewhere' }).end();
  });
  const { send, close, warnings } = notifying(url);
  send(notification());
  send(notification({ agent: 'other' }));
  await close(60_000);
  t.is(requests, 6, 'a redirect is not followed');
  t.is(warnings.length, 1);
  t.regex(warnings[0]!, /could not be delivered to notify\[0\] \(host\): the request failed.*, in 3 tries/);
  t.false(warnings[0]!.includes('topic'));
});

test('a receiver that hangs does not hold up the end', async t => {
  const asked = Promise.withResolvers<void>();
  const url = await receiver(t, () => asked.resolve());
  const { send, close, warnings } = notifying(url);
  send(notification());
  await asked.promise;
  await close(1);
  t.deepEqual(warnings, [
    'a notification could not be delivered to notify[0] (host): it was not delivered before the end of the run',
  ]);
  send(notification());
  await close(0);
  t.is(warnings.length, 1);
});

test('notifications that wait for a receiver are bounded, and an agent that flaps is reported once', async t => {
  let bodies = 0;
  const first = Promise.withResolvers<void>();
  const url = await receiver(t, async (request, response) => {
    bodies++;
    request.resume();
    await first.promise;
    response.end();
  });
  const { send, close, warnings } = notifying(url);
  for (let index = 0; index < 60; index++) send(notification({ event: 'needsInput' }));
  for (let index = 0; index < 60; index++) send(notification());
  t.is(warnings.length, 1);
  t.regex(warnings[0]!, /50 others wait for it/);
  first.resolve();
  await close(60_000);
  t.is(bodies, 51);
});

test('post reports a receiver that does not respond or does not exist', async t => {
  const { signal } = new AbortController();
  const silent = await receiver(t, () => {});
  t.is(await post(silent, '{}', signal, 20), 'it did not respond within 0.02 s');
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address() as AddressInfo;
  await new Promise(resolve => gone.close(resolve));
  t.is(await post(`http://127.0.0.1:${port}/`, '{}', signal), 'the request failed (ECONNREFUSED)');
});
