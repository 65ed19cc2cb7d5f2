import test from 'ava';
import { ai, hasLogin, homeWith } from '../_helpers/provider.ts';

test('kimi gets its model from the environment, and its prompt as an argument', async t => {
  const caller = {
    KIMI_MODEL_API_KEY: 'dummy-key',
    KIMI_MODEL_NAME: 'm',
    KIMI_MODEL_BASE_URL: 'http://x/v1',
  };
  const { command, env, secrets } = await ai('kimi', { prompt: '--help' }, caller);
  t.deepEqual(command, ['kimi', '--output-format', 'stream-json', '--prompt', '--help']);
  t.like(env, { KIMI_MODEL_NAME: 'm', KIMI_MODEL_BASE_URL: 'http://x/v1', KIMI_DISABLE_TELEMETRY: '1' });
  t.deepEqual(secrets, [{ name: 'KIMI_MODEL_API_KEY', file: null }]);
});

test('kimi accepts a key or a configuration with one as its login', async t => {
  t.true(await hasLogin('kimi', {}, { KIMI_MODEL_API_KEY: 'dummy-key' }));
  for (const [text, isLogin] of [
    ['[providers.kimi]\napi_key = "x"', true],
    ['[providers.kimi.oauth]\nkey = "kimi-code"', true],
    ['default_model = "m"', false],
  ] as const)
    t.is(await hasLogin('kimi', {}, { HOME: homeWith('.kimi-code/config.toml', text) }), isLogin, text);
});

test('kimi accepts no budget of turns', async t => {
  await t.throwsAsync(ai('kimi', { budget: { turns: 3 } }), { message: /kimi does not report its turns/ });
});
