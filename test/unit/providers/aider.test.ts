import test from 'ava';
import { ai, hasLogin } from '../_helpers/provider.ts';

test('aider confirms everything, and reads its prompt from a file', async t => {
  const { command, stdin } = await ai('aider', { model: 'gpt', args: ['--no-git'] });
  t.deepEqual(command, [
    'aider',
    '--yes-always',
    '--no-stream',
    '--model',
    'gpt',
    '--no-git',
    '--message-file',
    '/run/agent/prompt',
  ]);
  t.is(stdin, 'empty');
});

test('aider sends no analytics, and looks for neither updates nor addresses in its prompt', async t => {
  t.deepEqual((await ai('aider', {}, { AIDER_MODEL: 'gpt' })).env, {
    AIDER_ANALYTICS: 'false',
    AIDER_CHECK_UPDATE: 'false',
    AIDER_DETECT_URLS: 'false',
    AIDER_SHOW_MODEL_WARNINGS: 'false',
    AIDER_MODEL: 'gpt',
  });
});

test('aider accepts a key of any vendor or the address of a server as its login', async t => {
  t.true(await hasLogin('aider', {}, { GEMINI_API_KEY: 'dummy-key' }));
  t.true(await hasLogin('aider', { env: { OLLAMA_API_BASE: 'http://ollama:11434' } }));
  t.true(await hasLogin('aider', { secrets: ['GROQ_API_KEY'] }, { GROQ_API_KEY: 'dummy-key' }));
  for (const args of [
    ['--openai-api-key', 'x'],
    ['--api-key', 'groq=x'],
    ['--env-file=.secrets'],
    ['--config', 'x.yml'],
  ])
    t.true(await hasLogin('aider', { args }), args.join(' '));
  t.false(await hasLogin('aider', { args: ['--no-git'] }));
  t.false(await hasLogin('aider', {}, { AIDER_MODEL: 'gpt' }));
});
