import test from 'ava';
import { ai, hasLogin, homeWith } from '../_helpers/provider.ts';

test('kiro-cli chats without questions, and reads its prompt from standard input', async t => {
  const { command, stdin, env } = await ai('kiro', { model: 'sonnet' });
  t.deepEqual(command, [
    'kiro-cli',
    'chat',
    '--no-interactive',
    '--v2',
    '--trust-all-tools',
    '--model',
    'sonnet',
  ]);
  t.is(stdin, 'prompt');
  t.deepEqual(env, {});
});

test('kiro accepts a key or a login to AWS as its login, and no file of the home', async t => {
  t.true(await hasLogin('kiro', {}, { KIRO_API_KEY: 'dummy-key' }));
  t.true(await hasLogin('kiro', { env: { AWS_PROFILE: 'work' } }));
  t.true(await hasLogin('kiro', { env: { AWS_BEARER_TOKEN_BEDROCK: 'dummy-token' } }));
  t.false(await hasLogin('kiro', { env: { AWS_REGION: 'eu-central-1' } }));
  t.false(await hasLogin('kiro', {}, { HOME: homeWith('.local/share/kiro-cli/data.sqlite3') }));
});
