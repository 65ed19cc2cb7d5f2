import test from 'ava';
import { usageReader } from '../../../src/broker/usage.ts';

const read = (isStream: boolean, ...chunks: string[]) => {
  const reader = usageReader(isStream);
  for (const chunk of chunks) reader.add(Buffer.from(chunk));
  return reader.end();
};
const usageIn = (isStream: boolean, ...chunks: string[]) => read(isStream, ...chunks).usage;
const event = (value: object) => `event: x\ndata: ${JSON.stringify(value)}\n\n`;

test('the Messages API counts cached tokens apart, and repeats the output as a sum', t => {
  const usage = {
    input_tokens: 10,
    cache_read_input_tokens: 20,
    cache_creation_input_tokens: 5,
    output_tokens: 1,
  };
  const stream = [
    event({ type: 'message_start', message: { model: 'claude-x', usage } }),
    event({ type: 'content_block_delta', delta: { text: 'about "usage"' } }),
    event({ type: 'message_delta', usage: { output_tokens: 40 } }),
  ].join('');
  const expected = {
    model: 'claude-x',
    inputTokens: 35,
    cachedInputTokens: 20,
    cacheWriteTokens: 5,
    outputTokens: 40,
  };
  t.deepEqual(usageIn(true, stream), expected);
  t.deepEqual(usageIn(true, ...stream), expected);
});

test('the Responses API', t => {
  const usage = { input_tokens: 100, input_tokens_details: { cached_tokens: 40 }, output_tokens: 20 };
  const response = { model: 'gpt-x', usage };
  const expected = {
    model: 'gpt-x',
    inputTokens: 100,
    cachedInputTokens: 40,
    cacheWriteTokens: 0,
    outputTokens: 20,
  };
  t.deepEqual(usageIn(true, event({ type: 'response.completed', response })), expected);
  t.deepEqual(usageIn(false, JSON.stringify(response)), expected);
});

test('the Chat Completions API', t => {
  const usage = { prompt_tokens: 100, prompt_tokens_details: { cached_tokens: 40 }, completion_tokens: 20 };
  const expected = {
    model: 'm',
    inputTokens: 100,
    cachedInputTokens: 40,
    cacheWriteTokens: 0,
    outputTokens: 20,
  };
  t.deepEqual(usageIn(true, event({ model: 'm', choices: [], usage }), 'data: [DONE]\n\n'), expected);
  t.is(usageIn(true, event({ model: 'm', choices: [], usage: null })), null);
});

test('the Gemini API, as events and as an array', t => {
  const part = (candidatesTokenCount: number) => ({
    modelVersion: 'gemini-x',
    usageMetadata: {
      promptTokenCount: 100,
      cachedContentTokenCount: 40,
      candidatesTokenCount,
      thoughtsTokenCount: 5,
    },
  });
  const expected = {
    model: 'gemini-x',
    inputTokens: 100,
    cachedInputTokens: 40,
    cacheWriteTokens: 0,
    outputTokens: 20,
  };
  t.deepEqual(usageIn(true, event(part(2)), event(part(15))), expected);
  t.deepEqual(usageIn(false, JSON.stringify([part(2), part(15)])), expected);
});

test('an answer without usage, or with another form of it, has none', t => {
  t.is(usageIn(false, '{"error":{"message":"no"}}'), null);
  t.is(usageIn(false, '{"usage":'), null);
  t.is(usageIn(false, '{"usage":"many"}'), null);
  t.is(usageIn(true, `data: {"usage":{"input_tokens":-1,"output_tokens":1e99}}\n\n`), null);
});

test('a line over 16 MiB is not read, and the next one is', t => {
  const reader = usageReader(true);
  const piece = Buffer.alloc(2 ** 20, '"usage"');
  for (let count = 0; count < 18; count++) reader.add(piece);
  reader.add(Buffer.from(`\n${event({ model: 'm', usage: { input_tokens: 1, output_tokens: 2 } })}`));
  t.is(reader.end().usage?.outputTokens, 2);
});

test('the text that is generated is measured, in the events of every API', t => {
  const text = 'x'.repeat(300);
  for (const value of [
    { type: 'content_block_delta', delta: { type: 'text_delta', text } },
    { type: 'content_block_delta', delta: { type: 'input_json_delta', partial_json: text } },
    { type: 'response.output_text.delta', delta: text },
    { model: 'm', choices: [{ delta: { content: text } }] },
    { candidates: [{ content: { parts: [{ text }] } }] },
  ])
    t.is(read(true, event(value)).characters, 300, JSON.stringify(value).slice(0, 60));
  t.is(read(true, event({ model: 'gpt-x', choices: [] })).model, 'gpt-x');
});
