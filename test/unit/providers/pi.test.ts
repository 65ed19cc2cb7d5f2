import test from 'ava';
import { ai, hasLogin, homeWith } from '../_helpers/provider.ts';

const models = (apiKey: string) =>
  JSON.stringify({ providers: { mine: { baseUrl: 'http://x/v1', apiKey, models: [{ id: 'm' }] } } });

test('pi prints events, and reads its prompt from standard input', async t => {
  const { command, stdin, env } = await ai('pi', { model: 'mine/m' }, { OPENAI_API_KEY: 'dummy-key' });
  t.deepEqual(command, ['pi', '--print', '--mode', 'json', '--model', 'mine/m']);
  t.is(stdin, 'prompt');
  t.deepEqual(env, { PI_OFFLINE: '1', PI_TELEMETRY: '0' });
});

test('an address of an API is written to the models of pi, unless it is a secret', async t => {
  const address = { ANTHROPIC_BASE_URL: 'http://proxy/$&' };
  const written = (baseUrl: string) => ({
    file: '.pi/agent/models.json',
    json: { providers: { anthropic: { baseUrl } } },
  });
  t.deepEqual((await ai('pi', {}, address)).settings, [written('http://proxy/$&')]);
  t.deepEqual((await ai('pi', { env: { ANTHROPIC_BASE_URL: 'http://b' } }, address)).settings, [
    written('http://b'),
  ]);
  t.deepEqual((await ai('pi', { secrets: ['ANTHROPIC_BASE_URL'] }, address)).settings, []);
  t.deepEqual((await ai('pi')).settings, []);
});

test('pi gets the file with its models and the keys that this file names', async t => {
  const HOME = homeWith('.pi/agent/models.json', models('$MY_KEY'));
  const { auth, secrets } = await ai('pi', {}, { HOME, MY_KEY: 'dummy-key' });
  t.deepEqual(
    auth.files.map(({ home, isCopied }) => [home, isCopied]),
    [['.pi/agent/models.json', true]],
  );
  t.deepEqual(secrets, [{ name: 'MY_KEY', file: null }]);
  t.deepEqual((await ai('pi', {}, { HOME })).secrets, [], 'the variable is not set');
  const off = await ai('pi', { auth: { login: 'off' } }, { HOME, MY_KEY: 'dummy-key' });
  t.deepEqual([off.secrets, off.auth.files], [[], []]);
});

test('pi accepts a key, a login or a server of its own models as its login', async t => {
  t.true(await hasLogin('pi', {}, { OPENROUTER_API_KEY: 'dummy-key' }));
  t.true(await hasLogin('pi', {}, { HOME: homeWith('.pi/agent/auth.json', '{"openai": {"key": "x"}}') }));
  t.true(await hasLogin('pi', {}, { HOME: homeWith('.pi/agent/models.json', models('ollama')) }));
  t.false(await hasLogin('pi', {}, { HOME: homeWith('.pi/agent/auth.json') }));
  t.false(await hasLogin('pi', {}, { HOME: homeWith('.pi/agent/models.json', '{"providers": {}}') }));
});
