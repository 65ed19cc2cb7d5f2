import test from 'ava';
import { ai, failureKind, hasLogin, homeWith } from '../_helpers/provider.ts';

test('opencode prints events as JSON and its retries as a log, and reads its prompt from standard input', async t => {
  const { command, stdin, report } = await ai('opencode', { model: 'a/b' }, { OPENAI_API_KEY: 'dummy-key' });
  t.deepEqual(command, [
    'opencode',
    'run',
    '--auto',
    '--format',
    'json',
    '--print-logs',
    '--log-level',
    'ERROR',
    '--model',
    'a/b',
  ]);
  t.is(stdin, 'prompt');
  t.is(report?.format, 'jsonl');
});

test('opencode never uses a model of its vendor unless its configuration enables it', async t => {
  const disabled = async (fields: object, env: Readonly<Record<string, string>> = {}) =>
    JSON.parse((await ai('opencode', fields, env)).env.OPENCODE_CONFIG_CONTENT!);
  t.deepEqual(await disabled({}), { disabled_providers: ['opencode'] });
  t.deepEqual(await disabled({ env: { OPENCODE_CONFIG_CONTENT: '' } }), { disabled_providers: ['opencode'] });
  const own = '{"model": "a/b", /* mine */ "disabled_providers": ["x"]}';
  const both = { model: 'a/b', disabled_providers: ['x', 'opencode'] };
  t.deepEqual(await disabled({}, { OPENCODE_CONFIG_CONTENT: own }), both);
  t.deepEqual(await disabled({ env: { OPENCODE_CONFIG_CONTENT: own } }), both);
  const wanted = { enabled_providers: ['opencode'] };
  t.deepEqual(await disabled({ env: { OPENCODE_CONFIG_CONTENT: JSON.stringify(wanted) } }), {
    ...wanted,
    disabled_providers: [],
  });
  const broken = await ai('opencode', { env: { OPENCODE_CONFIG_CONTENT: '{' } });
  t.is(broken.env.OPENCODE_CONFIG_CONTENT, '{', 'opencode reports the error itself');
  // The value of a secret is not known, so the settings file has the list.
  const secret = await ai(
    'opencode',
    { secrets: ['OPENCODE_CONFIG_CONTENT'] },
    { OPENCODE_CONFIG_CONTENT: own },
  );
  t.is(secret.env.OPENCODE_CONFIG_CONTENT, undefined);
  t.deepEqual(
    secret.secrets.map(({ name }) => name),
    ['OPENCODE_CONFIG_CONTENT'],
  );
  // A configuration with a key in it is a secret, and is not stored with the run.
  const provider = (apiKey: string) => JSON.stringify({ provider: { a: { options: { apiKey } } } });
  for (const [apiKey, isSecret] of [
    ['sk-dummy-key', true],
    ['{env:A_KEY}', false],
    ['{file:~/key}', false],
  ] as const) {
    const { env, secrets } = await ai('opencode', {}, { OPENCODE_CONFIG_CONTENT: provider(apiKey) });
    t.is(env.OPENCODE_CONFIG_CONTENT === undefined, isSecret, apiKey);
    t.is(secrets.length, isSecret ? 1 : 0, apiKey);
  }
  t.deepEqual(secret.settings, [
    { file: '.config/opencode/opencode.json', json: { disabled_providers: ['opencode'] } },
    {
      file: '.config/opencode/opencode.json',
      json: { instructions: ['/workspace/AGENTS.md', '/workspace/CLAUDE.md'] },
    },
  ]);
});

test('opencode accepts a key, the login of one vendor or a configuration as its login', async t => {
  const file = '.local/share/opencode/auth.json';
  t.true(await hasLogin('opencode', {}, { OPENROUTER_API_KEY: 'dummy-key' }));
  t.true(await hasLogin('opencode', {}, { HOME: homeWith(file, '{"a": {"type": "api", "key": "x"}}') }));
  t.false(await hasLogin('opencode', {}, { HOME: homeWith(file) }));
  t.true(await hasLogin('opencode', {}, { OPENCODE_CONFIG_CONTENT: '{"provider": {"ollama": {}}}' }));
  t.false(await hasLogin('opencode'), 'its own default configuration is not a login');
});

test('a retry of opencode for its quota is recognized in its log', async t => {
  const { words } = (await ai('opencode')).report!;
  const line =
    'ERROR service=session.processor small=false agent=build error="Rate limit reached, retrying" stream error';
  t.is(new RegExp(words!.waits!, 'i').exec(line)?.[1], 'Rate limit reached, retrying');
  t.is(new RegExp(words!.waits!, 'i').exec(line.replace('small=false', 'small=true')), null);
});

test('messages of opencode without a login or quota are recognized', t => {
  t.is(failureKind('opencode', 'AI_APICallError: Invalid API key'), 'login');
  t.is(failureKind('opencode', 'no providers are available'), 'login');
  t.is(failureKind('opencode', 'insufficient_quota'), 'quota');
  t.is(failureKind('opencode', 'connection reset'), null);
});
