import test from 'ava';
import { ai, hasLogin, homeWith } from '../_helpers/provider.ts';

test('goose confirms everything, and reads its prompt from a file', async t => {
  const { command, stdin, env } = await ai('goose', { model: 'm' }, { GOOSE_PROVIDER: 'openai' });
  t.deepEqual(command, [
    'goose',
    'run',
    '--no-session',
    '--with-builtin',
    'developer',
    '--model',
    'm',
    '--instructions',
    '/run/agent/prompt',
  ]);
  t.is(stdin, 'empty');
  t.deepEqual(env, { GOOSE_MODE: 'auto', GOOSE_DISABLE_KEYRING: '1', GOOSE_PROVIDER: 'openai' });
});

test('goose accepts a key, a local server or stored secrets as its login', async t => {
  t.true(await hasLogin('goose', {}, { ANTHROPIC_API_KEY: 'dummy-key' }));
  t.true(await hasLogin('goose', { env: { OLLAMA_HOST: 'http://ollama:11434' } }));
  t.true(await hasLogin('goose', {}, { HOME: homeWith('.config/goose/secrets.yaml', 'OPENAI_API_KEY: x') }));
  t.false(await hasLogin('goose', {}, { GOOSE_PROVIDER: 'openai', GOOSE_MODEL: 'm' }));
});
