import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'ava';
import { ai, failureKind, hasLogin, homeWith } from '../_helpers/provider.ts';
import { directory } from '../_helpers/spec.ts';

test('cline uses the vendor of its key unless it is logged in, and gets its prompt as an argument', async t => {
  const key = { OPENAI_API_KEY: 'dummy-key' };
  const words = (await ai('cline', { args: ['--thinking', 'low'] }, key)).command;
  const start = ['cline', '--json', '--auto-approve', 'true'];
  t.deepEqual(words, [...start, '--provider', 'openai-native', '--thinking', 'low', '--', 'Go']);
  const two = await ai('cline', {}, { ...key, ANTHROPIC_API_KEY: 'dummy-key' });
  t.deepEqual(two.command, [...start, '--provider', 'anthropic', '--', 'Go']);
  const home = join(directory, 'cline-home');
  const file = join(home, '.cline/data/settings/providers.json');
  await mkdir(dirname(file), { recursive: true });
  // A start without a login leaves this file.
  await writeFile(file, '{"lastUsedProvider": "cline", "providers": {"cline": {}}}');
  t.deepEqual((await ai('cline', {}, { ...key, HOME: home })).command, [
    ...start,
    '--provider',
    'openai-native',
    '--',
    'Go',
  ]);
  await writeFile(file, '{"providers": {"anthropic": {"settings": {"apiKey": "dummy-key"}}}}');
  const loggedIn = await ai('cline', {}, { ...key, HOME: home });
  t.deepEqual(loggedIn.command, [...start, '--', 'Go']);
});

test('the key of its own cloud takes precedence over others', async t => {
  const { command } = await ai('cline', {}, { OPENAI_API_KEY: 'dummy-key', CLINE_API_KEY: 'dummy-key' });
  t.false(command.includes('--provider'));
});

test('a prompt that looks like an option is passed as the last argument', async t => {
  const { command, stdin } = await ai('cline', { prompt: '--help' }, { CLINE_API_KEY: 'dummy-key' });
  t.deepEqual(command.slice(-2), ['--', '--help']);
  t.is(stdin, 'empty');
});

test('a prompt over 128 KiB is refused', async t => {
  const error = await t.throwsAsync(ai('cline', { prompt: 'x'.repeat(200_000) }));
  t.regex(error!.message, /cline takes its prompt as an argument, and this one is over 128 KiB/);
});

test('cline accepts a key, a login on this machine or options for either as its login', async t => {
  const file = '.cline/data/settings/providers.json';
  t.true(await hasLogin('cline', {}, { ANTHROPIC_API_KEY: 'dummy-key' }));
  t.true(await hasLogin('cline', {}, { HOME: homeWith(file, '{"providers": {"a": {"apiKey": "x"}}}') }));
  t.false(await hasLogin('cline', {}, { HOME: homeWith(file, '{"lastUsedProvider": "cline"}') }));
  t.true(await hasLogin('cline', { args: ['-k', 'dummy-key'] }));
  t.true(await hasLogin('cline', { args: ['--data-dir=/data'] }));
  t.false(await hasLogin('cline', { args: ['--thinking', 'low'] }));
});

test('messages of cline without a login or quota are recognized', t => {
  t.is(failureKind('cline', '401 Incorrect API key provided'), 'login');
  t.is(failureKind('cline', 'Insufficient balance: out of credits'), 'quota');
  t.is(failureKind('cline', 'ECONNREFUSED'), null);
});
