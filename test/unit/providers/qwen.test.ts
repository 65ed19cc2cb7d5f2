import test from 'ava';
import { ai, failureKind, hasLogin, homeWith } from '../_helpers/provider.ts';

const start = ['qwen', '--yolo', '--output-format', 'stream-json'];

test('qwen uses the API of its key unless it is logged in, and reads its prompt from standard input', async t => {
  const { command, stdin } = await ai('qwen', { model: 'm' }, { OPENAI_API_KEY: 'dummy-key' });
  t.deepEqual(command, [...start, '--auth-type', 'openai', '--model', 'm']);
  t.is(stdin, 'prompt');
  t.deepEqual((await ai('qwen', {}, { GEMINI_API_KEY: 'dummy-key' })).command, [
    ...start,
    '--auth-type',
    'gemini',
  ]);
  const HOME = homeWith('.qwen/settings.json', '{"security": {"auth": {"selectedType": "openai"}}}');
  t.deepEqual((await ai('qwen', {}, { OPENAI_API_KEY: 'dummy-key', HOME })).command, start);
});

test('qwen accepts a key, settings with a kind of login or a server as its login', async t => {
  t.true(await hasLogin('qwen', {}, { ANTHROPIC_API_KEY: 'dummy-key' }));
  t.true(await hasLogin('qwen', {}, { OPENAI_BASE_URL: 'http://ollama:11434/v1' }));
  t.true(await hasLogin('qwen', {}, { HOME: homeWith('.qwen/settings.json', '{"selectedType": "openai"}') }));
  t.false(await hasLogin('qwen', {}, { HOME: homeWith('.qwen/settings.json', '{"ui": {}}') }));
});

test('messages of qwen without a login or quota are recognized', t => {
  t.is(failureKind('qwen', '[API Error: 401 Incorrect API key provided.]'), 'login');
  t.is(failureKind('qwen', '[API Error: 429 Rate limit reached]'), 'quota');
  t.is(failureKind('qwen', 'connection reset'), null);
});
