import test from 'ava';
import { ai, failureKind, hasLogin } from '../_helpers/provider.ts';

test('copilot allows all tools, asks nothing and reads its prompt from standard input', async t => {
  const { command, stdin, report } = await ai('copilot', { model: 'gpt' }, { GH_TOKEN: 'dummy-token' });
  t.deepEqual(command, [
    'copilot',
    '--allow-all',
    '--no-ask-user',
    '--output-format',
    'json',
    '--model',
    'gpt',
  ]);
  t.is(stdin, 'prompt');
  t.like(report, { format: 'jsonl', usage: false });
});

test('copilot does not update itself', async t => {
  t.like((await ai('copilot')).env, { COPILOT_ALLOW_ALL: '1', COPILOT_AUTO_UPDATE: 'false' });
});

test('copilot gets tokens as secrets, and the address and type of its provider as plain variables', async t => {
  const { env, secrets } = await ai(
    'copilot',
    {},
    {
      GITHUB_TOKEN: 'dummy-token',
      COPILOT_PROVIDER_API_KEY: 'dummy-key',
      COPILOT_PROVIDER_BASE_URL: 'http://ollama:11434/v1',
      COPILOT_PROVIDER_TYPE: 'openai',
    },
  );
  t.deepEqual(
    secrets.map(({ name }) => name),
    ['GITHUB_TOKEN', 'COPILOT_PROVIDER_API_KEY'],
  );
  t.like(env, { COPILOT_PROVIDER_BASE_URL: 'http://ollama:11434/v1', COPILOT_PROVIDER_TYPE: 'openai' });
});

test('copilot accepts a token or a server of a model as its login, and no file', async t => {
  t.true(await hasLogin('copilot', {}, { COPILOT_GITHUB_TOKEN: 'dummy-token' }));
  t.true(await hasLogin('copilot', {}, { COPILOT_PROVIDER_BASE_URL: 'http://ollama:11434/v1' }));
  t.false(await hasLogin('copilot', {}, { COPILOT_MODEL: 'gpt', COPILOT_PROVIDER_TYPE: 'openai' }));
  t.false(await hasLogin('copilot'));
});

test('messages of copilot without a login or quota are recognized', t => {
  t.is(failureKind('copilot', 'Error: No authentication information found.'), 'login');
  t.is(failureKind('copilot', 'Classic tokens are not supported by Copilot'), 'login');
  t.is(failureKind('copilot', 'You have exceeded your premium requests'), 'quota');
  t.is(failureKind('copilot', 'the command failed with 1'), null);
});
