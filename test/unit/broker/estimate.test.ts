import { createServer, type RequestListener, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { Credential } from '../../../src/broker/credentials.ts';
import { generates } from '../../../src/broker/estimate.ts';
import { createBroker, type LoggedCall } from '../../../src/broker/server.ts';

const credential: Omit<Credential, 'upstream'> = {
  ...{ placeholder: 'placeholder-a', agent: 'a', container: 'run-a-', base: '' },
  ...{
    paths: ['POST /v1/*', 'POST /v1/chat/completions'],
    header: 'x-api-key',
    prefix: '',
    key: 'sk-real-91f2c07a55d1',
  },
};

/** Call an API by a broker. `leave` resolves when the agent goes. Resolves with what the broker has logged. */
async function callLogged(
  t: ExecutionContext,
  api: RequestListener,
  { path = '/v1/messages', leave }: { path?: string; leave?: Promise<unknown> } = {},
): Promise<LoggedCall> {
  const upstream = createServer(api);
  const { promise, resolve } = Promise.withResolvers<LoggedCall>();
  const broker = createBroker(async () => ['run-a-1.network'], resolve);
  for (const server of [upstream, broker.server])
    await new Promise<void>(ready => server.listen(0, '127.0.0.1', ready));
  t.teardown(() => {
    for (const server of [upstream, broker.server]) {
      server.close();
      server.closeAllConnections();
    }
  });
  const portOf = (server: typeof upstream) => (server.address() as AddressInfo).port;
  const to = `http://127.0.0.1:${portOf(upstream)}`;
  broker.load({ credentials: [{ ...credential, upstream: to }], certificates: null, limits: [], used: [] });
  const headers = { 'x-api-key': credential.placeholder };
  const out = request({ port: portOf(broker.server), host: '127.0.0.1', method: 'POST', path, headers });
  out.on('response', answer => answer.on('error', () => {}).resume()).on('error', () => {});
  out.end('x'.repeat(300));
  void leave?.then(() => out.destroy());
  return promise;
}

const event = (value: object) => `data: ${JSON.stringify(value)}\n\n`;
const start = event({
  type: 'message_start',
  message: { model: 'claude-x', usage: { input_tokens: 50, output_tokens: 1 } },
});
const piece = event({ type: 'content_block_delta', delta: { text: 'y'.repeat(600) } });
const stream = { 'content-type': 'text/event-stream' };

test('a call that the agent ends before its counts arrive is estimated', async t => {
  const { promise: leave, resolve: sent } = Promise.withResolvers<void>();
  const { usage } = await callLogged(
    t,
    (_, response) => void response.writeHead(200, stream).write(start + piece, () => sent()),
    { leave },
  );
  t.like(usage, { model: 'claude-x', inputTokens: 50, isEstimated: true });
  t.true(usage!.outputTokens === 200 || usage!.outputTokens === 1, 'what had arrived when it left');
});

test('a call that the agent ends before any answer is estimated by its request', async t => {
  const { promise: leave, resolve: received } = Promise.withResolvers<void>();
  const { usage, status } = await callLogged(t, incoming => incoming.resume().on('end', received), { leave });
  t.is(status, null);
  t.like(usage, { inputTokens: 100, outputTokens: 0, isEstimated: true });
});

test('a stream without counts is estimated', async t => {
  const chunk = event({ model: 'gpt-x', choices: [{ delta: { content: 'y'.repeat(600) } }] });
  const { usage } = await callLogged(
    t,
    (incoming, response) => {
      incoming.resume();
      response.writeHead(200, stream).end(`${chunk}data: [DONE]\n\n`);
    },
    { path: '/v1/chat/completions' },
  );
  t.deepEqual(usage, {
    ...{ model: 'gpt-x', inputTokens: 100, cachedInputTokens: 0, cacheWriteTokens: 0 },
    ...{ outputTokens: 200, isEstimated: true },
  });
});

test('an answer with counts is not estimated, and neither is a refusal', async t => {
  const json = { usage: { input_tokens: 5, output_tokens: 7 }, content: [{ text: 'y'.repeat(600) }] };
  const counted = await callLogged(t, (_, response) => response.end(JSON.stringify(json)));
  t.like(counted.usage, { inputTokens: 5, outputTokens: 7 });
  t.false('isEstimated' in counted.usage!);
  const refused = await callLogged(t, (_, response) =>
    response.writeHead(429).end('{"error": {"text": "wait"}}'),
  );
  t.is(refused.usage, null);
});

test('calls that generate nothing are free', t => {
  for (const path of ['/v1/messages/count_tokens', '/v1beta/models/x:countTokens', '/v1/responses/r1/cancel'])
    t.false(generates('POST', path), path);
  t.false(generates('GET', '/v1/responses/r1'));
  for (const path of ['/v1/messages?beta=true', '/v1beta/models/x:streamGenerateContent', '/v1/responses'])
    t.true(generates('POST', path), path);
});
