import test from 'ava';
import { ai, hasLogin, homeWith } from '../_helpers/provider.ts';

const settings = (apiKey: string) => JSON.stringify({ customModels: [{ model: 'm', apiKey }] });

test('droid skips its permission checks, and reads its prompt from standard input', async t => {
  const { command, stdin } = await ai('droid', { model: 'custom:m-0' }, { FACTORY_API_KEY: 'dummy-key' });
  t.deepEqual(command, [
    'droid',
    'exec',
    '--skip-permissions-unsafe',
    '--output-format',
    'stream-json',
    '--model',
    'custom:m-0',
  ]);
  t.is(stdin, 'prompt');
});

test('droid gets the settings with its models and the keys that they name', async t => {
  const HOME = homeWith('.factory/settings.json', settings('${MY_KEY}'));
  const { auth, secrets } = await ai('droid', {}, { HOME, MY_KEY: 'dummy-key' });
  t.deepEqual(
    auth.files.map(({ home }) => home),
    ['.factory/settings.json'],
  );
  t.deepEqual(secrets, [{ name: 'MY_KEY', file: null }]);
});

test('droid accepts a key, a login or models of its own as its login', async t => {
  t.true(await hasLogin('droid', {}, { FACTORY_API_KEY: 'dummy-key' }));
  t.true(await hasLogin('droid', {}, { HOME: homeWith('.factory/auth.v2.file') }));
  t.true(await hasLogin('droid', {}, { HOME: homeWith('.factory/settings.json', settings('x')) }));
  t.false(await hasLogin('droid', {}, { HOME: homeWith('.factory/settings.json', '{"theme": "dark"}') }));
  t.false(await hasLogin('droid', {}, { OPENAI_API_KEY: 'dummy-key' }));
});
