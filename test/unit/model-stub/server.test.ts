import type { AddressInfo } from 'node:net';
import { zstdCompressSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import type { StubEvent } from '../../../src/model-stub/log.ts';
import { parseMode } from '../../../src/model-stub/mode.ts';
import { modelStub } from '../../../src/model-stub/server.ts';

/** Start a stub; `mode` returns its mode. */
async function start(t: ExecutionContext, mode = () => 'ok') {
  const events: StubEvent[] = [];
  const server = modelStub({ mode: () => parseMode(mode()), log: event => events.push(event) });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const post = (path: string, body: unknown, headers: Record<string, string> = { authorization: 'key' }) =>
    fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { port, events, post };
}

const prompt = 'Write NONCE-a1 into the file answer.txt';
const command = "printf '%s\\n' NONCE-a1 >answer.txt && cat answer.txt";

/** The first request of a CLI to each API, and the place of the command in the reply. */
const firstCalls = [
  {
    api: 'anthropic',
    path: '/v1/messages',
    body: { model: 'm', messages: [{ role: 'user', content: prompt }], tools: [{ name: 'Bash' }] },
    // biome-ignore lint/suspicious/noExplicitAny: JSON of an API
    commandIn: (reply: any) => reply.content[0].input.command,
  },
  {
    api: 'openai',
    path: '/v1/responses',
    body: {
      model: 'm',
      input: [{ role: 'user', content: [{ text: prompt }] }],
      tools: [{ type: 'namespace', name: 'shell', tools: [{ name: 'exec_command' }] }],
    },
    // biome-ignore lint/suspicious/noExplicitAny: JSON of an API
    commandIn: (reply: any) => JSON.parse(reply.output[0].arguments).cmd,
  },
  {
    api: 'chat',
    path: '/v1/chat/completions',
    body: {
      model: 'm',
      messages: [{ role: 'user', content: [{ text: prompt }] }],
      tools: [{ function: { name: 'run_commands' } }],
    },
    // biome-ignore lint/suspicious/noExplicitAny: JSON of an API
    commandIn: (reply: any) =>
      JSON.parse(reply.choices[0].message.tool_calls[0].function.arguments).commands[0],
  },
  {
    api: 'gemini',
    path: '/v1beta/models/m:generateContent',
    body: {
      contents: [{ role: 'user', parts: [{ text: prompt }] }],
      tools: [{ functionDeclarations: [{ name: 'run_shell_command' }] }],
    },
    // biome-ignore lint/suspicious/noExplicitAny: JSON of an API
    commandIn: (reply: any) => reply.candidates[0].content.parts[0].functionCall.args.command,
  },
];

for (const { api, path, body, commandIn } of firstCalls) {
  test(`the stub calls the tool of a CLI in the API ${api}`, async t => {
    const { events, post } = await start(t);
    const reply = await post(path, body);
    t.is(reply.status, 200);
    t.is(commandIn(await reply.json()), command);
    t.like(events[0], { api, event: 'prompt', nonce: 'NONCE-a1', earlier: [], credential: 'authorization' });
  });

  test(`a missing key and one with the word "refused" are not valid in the API ${api}`, async t => {
    const { events, post } = await start(t);
    const status = api === 'gemini' ? 400 : 401;
    t.is((await post(path, body, {})).status, status);
    t.is((await post(path, body, { authorization: 'Bearer sk-refused-1' })).status, status);
    t.deepEqual(events, [
      { api: api as 'chat', event: 'unauthorized' },
      { api: api as 'chat', event: 'unauthorized', credential: 'authorization' },
    ]);
  });
}

test('a stream has the events of the reply', async t => {
  const { post } = await start(t);
  const [{ path, body }] = firstCalls as [(typeof firstCalls)[0]];
  const reply = await post(path, { ...body, stream: true });
  t.is(reply.headers.get('content-type'), 'text/event-stream');
  const text = await reply.text();
  t.regex(text, /^event: message_start\ndata: \{"type":"message_start"/);
  t.regex(text, /event: message_stop\ndata: \{"type":"message_stop"\}\n\n$/);
});

test('a value for a schema is passed by the tool of the CLI, or as text', async t => {
  const { events, post } = await start(t);
  const schema = { properties: { answer: { type: 'string' } } };
  const byTool = await post('/v1/messages', {
    messages: [
      { role: 'user', content: prompt },
      { role: 'assistant', content: [] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'NONCE-a1' }] },
    ],
    tools: [{ name: 'Bash' }, { name: 'StructuredOutput', input_schema: schema }],
  });
  t.like(await byTool.json(), { content: [{ name: 'StructuredOutput', input: { answer: 'NONCE-a1' } }] });
  const asText = await post('/v1/responses', {
    input: [
      { role: 'user', content: prompt },
      { type: 'function_call' },
      { type: 'function_call_output', output: 'NONCE-a1' },
    ],
    tools: [{ name: 'shell' }],
    text: { format: { type: 'json_schema', name: 'codex_output_schema', schema } },
  });
  t.like(await asText.json(), { output: [{ content: [{ text: '{"answer":"NONCE-a1"}' }] }] });
  t.is(events.filter(({ event }) => event === 'value').length, 2);
});

test('a request for the title of a conversation is no part of it', async t => {
  const { events, post } = await start(t);
  const schema = { properties: { title: { type: 'string' } } };
  const title = await post('/v1/responses', {
    input: [{ role: 'user', content: prompt }],
    tools: [{ name: 'shell' }],
    text: { format: { type: 'json_schema', name: 'codex_output_schema', schema } },
  });
  t.regex(JSON.stringify(await title.json()), /title/);
  t.deepEqual(
    events.map(({ event }) => event),
    ['aside'],
  );
});

test('a compressed request is read', async t => {
  const { port, events } = await start(t);
  const [{ path, body }] = firstCalls as [(typeof firstCalls)[0]];
  await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'x-api-key': 'key', 'content-encoding': 'zstd' },
    body: new Uint8Array(zstdCompressSync(JSON.stringify(body))),
  });
  t.like(events[0], { event: 'prompt', credential: 'x-api-key' });
});

test('an unknown path and a request that is not JSON are refused, and the stub goes on', async t => {
  const { events, post } = await start(t);
  t.is((await post('/v2/other', {})).status, 404);
  t.deepEqual(events, [{ event: 'unknown', method: 'POST', path: '/v2/other' }]);
  t.is((await post('/v1/messages', 'text')).status, 500);
  t.is((await post('/v1/messages', {})).status, 200);
});

test('a held request is answered when the mode changes', async t => {
  let mode = 'held';
  const { events, post } = await start(t, () => mode);
  const reply = post('/v1/messages', {});
  while (!events.some(({ event }) => event === 'held')) await new Promise(resolve => setTimeout(resolve, 10));
  mode = 'ok';
  t.is((await reply).status, 200);
});
