import test from 'ava';
import { ai, hasLogin, homeWith } from '../_helpers/provider.ts';

test('agy runs without a time limit of its own, and gets its prompt as an argument', async t => {
  const { command, stdin, settings } = await ai('antigravity', { prompt: '--help', model: 'm' });
  t.deepEqual(command, [
    'agy',
    '--dangerously-skip-permissions',
    '--print-timeout',
    '720h',
    '--model',
    'm',
    '--print',
    '--help',
  ]);
  t.is(stdin, 'empty');
  t.deepEqual(settings, []);
});

test('agy uses a key if there is one', async t => {
  const { settings } = await ai('antigravity', {}, { GEMINI_API_KEY: 'dummy-key' });
  t.deepEqual(settings, [
    { file: '.gemini/antigravity-cli/settings.json', json: { modelProvider: 'gemini' } },
  ]);
});

test('agy accepts a key or a login of its own as its login', async t => {
  t.true(await hasLogin('antigravity', {}, { GEMINI_API_KEY: 'dummy-key' }));
  const file = '.gemini/antigravity-cli/antigravity-oauth-token';
  t.true(await hasLogin('antigravity', {}, { HOME: homeWith(file) }));
  t.false(await hasLogin('antigravity', {}, { HOME: homeWith('.gemini/oauth_creds.json') }));
});
