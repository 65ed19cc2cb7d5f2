import test from 'ava';
import { ai, failureKind, hasLogin, homeWith } from '../_helpers/provider.ts';

test('gemini approves its own actions, prints events as JSON and reads its prompt from standard input', async t => {
  const { command, stdin, report } = await ai('gemini', { model: 'pro' }, { GEMINI_API_KEY: 'dummy-key' });
  t.deepEqual(command, ['gemini', '--yolo', '--output-format=stream-json', '--skip-trust', '--model', 'pro']);
  t.is(stdin, 'prompt');
  t.is(report?.format, 'jsonl');
});

test('gemini sends no telemetry and starts no other process of itself', async t => {
  t.like((await ai('gemini')).env, {
    GEMINI_CLI_NO_RELAUNCH: 'true',
    GEMINI_TELEMETRY_ENABLED: 'false',
  });
});

test('gemini authenticates with the Gemini key only if it has it', async t => {
  const types = async (env: Record<string, string>) =>
    (await ai('gemini', {}, env)).settings.flatMap(({ json }) => ('security' in json ? [json.security] : []));
  t.deepEqual(await types({ GEMINI_API_KEY: 'dummy-key' }), [{ auth: { selectedType: 'gemini-api-key' } }]);
  t.deepEqual(await types({ GOOGLE_API_KEY: 'dummy-key' }), []);
  t.deepEqual(await types({}), []);
});

test('the key of gemini may be a secret of the spec', async t => {
  const { settings } = await ai('gemini', { secrets: ['GEMINI_API_KEY'] }, { GEMINI_API_KEY: 'dummy-key' });
  t.true(settings.some(({ json }) => 'security' in json));
});

test('the hooks of an interactive gemini are among its settings', async t => {
  const gemini = (interactive: boolean) => ai('gemini', { interactive });
  const hooks = ({ settings }: Awaited<ReturnType<typeof gemini>>) =>
    settings.some(({ json }) => 'hooks' in json);
  t.true(hooks(await gemini(true)));
  t.false(hooks(await gemini(false)));
  t.deepEqual((await gemini(true)).command, ['gemini', '--yolo', '--skip-trust']);
});

test('gemini accepts a key, a login on this machine or Vertex as its login', async t => {
  t.true(await hasLogin('gemini', {}, { GOOGLE_API_KEY: 'dummy-key' }));
  t.true(await hasLogin('gemini', {}, { HOME: homeWith('.gemini/oauth_creds.json') }));
  t.true(await hasLogin('gemini', {}, { GOOGLE_GENAI_USE_VERTEXAI: 'true' }));
  t.true(await hasLogin('gemini', { env: { GOOGLE_APPLICATION_CREDENTIALS: '/key.json' } }));
  t.false(await hasLogin('gemini', {}, { HOME: homeWith('.gemini/google_accounts.json') }));
  t.false(await hasLogin('gemini', {}, { GEMINI_MODEL: 'pro', GOOGLE_CLOUD_PROJECT: 'p' }));
});

test('messages of gemini without a login or quota are recognized', t => {
  t.is(failureKind('gemini', 'API key not valid. Please pass a valid API key.'), 'login');
  t.is(failureKind('gemini', 'Please set an Auth method in your settings.json'), 'login');
  t.is(failureKind('gemini', 'You have exhausted your daily quota on this model.'), 'quota');
  t.is(failureKind('gemini', 'Your quota will reset after 3h5m.'), 'quota');
  t.is(failureKind('gemini', 'fetch failed'), null);
});
