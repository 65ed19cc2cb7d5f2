import test from 'ava';
import { ai, hasLogin, homeWith } from '../_helpers/provider.ts';

test('cursor-agent trusts the workspace, and gets its prompt as an argument', async t => {
  const { command, stdin, env } = await ai('cursor', { model: 'gpt' });
  t.deepEqual(command, ['cursor-agent', '--print', '--trust', '--force', '--model', 'gpt', '--', 'Go']);
  t.is(stdin, 'empty');
  t.deepEqual(env, { NO_OPEN_BROWSER: '1' });
});

test('cursor accepts a key, a token, a login on this machine or an endpoint as its login', async t => {
  t.true(await hasLogin('cursor', {}, { CURSOR_API_KEY: 'dummy-key' }));
  t.true(await hasLogin('cursor', { env: { CURSOR_AUTH_TOKEN: 'dummy-token' } }));
  t.true(await hasLogin('cursor', {}, { HOME: homeWith('.config/cursor/auth.json') }));
  for (const args of [['-a', 'x'], ['--api-key=x'], ['-e', 'http://x'], ['--endpoint', 'http://x']])
    t.true(await hasLogin('cursor', { args }), args.join(' '));
  t.false(await hasLogin('cursor', { args: ['--api-keyless'] }));
  t.false(await hasLogin('cursor'));
});
