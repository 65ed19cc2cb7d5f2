import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parse, problems } from '../_helpers/spec.ts';

const key = 'sk-something-secret';

function homeWith(t: ExecutionContext, ...files: readonly string[]): string {
  const home = mkdtempSync(join(tmpdir(), 'agent-flow-home-'));
  t.teardown(() => rmSync(home, { recursive: true }));
  for (const file of files) {
    mkdirSync(join(home, file, '..'), { recursive: true });
    writeFileSync(join(home, file), '{}');
  }
  return home;
}

const agentOf = async (fields: object, env: Record<string, string>) =>
  (await parse({ agents: { a: { provider: 'claude', prompt: 'x', ...fields } } }, env)).agents[0]!;

for (const [provider, name, address, value, header] of [
  ['claude', 'ANTHROPIC_API_KEY', 'ANTHROPIC_BASE_URL', 'http://agent-flow-broker:8080', 'x-api-key'],
  [
    'claude',
    'CLAUDE_CODE_OAUTH_TOKEN',
    'ANTHROPIC_BASE_URL',
    'http://agent-flow-broker:8080',
    'authorization',
  ],
  ['codex', 'CODEX_API_KEY', 'OPENAI_BASE_URL', 'http://agent-flow-broker:8080/v1', 'authorization'],
  ['gemini', 'GEMINI_API_KEY', 'GOOGLE_GEMINI_BASE_URL', 'http://agent-flow-broker:8080', 'x-goog-api-key'],
] as const)
  test(`${provider} with ${name} is brokered, and calls the broker`, async t => {
    const { auth, env, secrets } = await agentOf({ provider }, { HOME: homeWith(t), [name]: key });
    t.deepEqual(auth.login, { mode: 'brokered' });
    t.is(env[address], value);
    t.like(secrets, [{ name, broker: { header, isCustom: false } }]);
    t.regex(secrets[0]!.broker!.upstream, /^https:\/\//);
  });

test('the address that the user has set is the one that the broker calls', async t => {
  const env = {
    HOME: homeWith(t),
    OPENAI_API_KEY: key,
    OPENAI_BASE_URL: 'https://gateway.example.com/openai/v1/',
  };
  const codex = await agentOf({ provider: 'codex' }, env);
  t.true(codex.command.includes('--config=openai_base_url="http://agent-flow-broker:8080/v1"'));
  t.like(codex.secrets, [
    {
      name: 'CODEX_API_KEY',
      from: 'OPENAI_API_KEY',
      broker: { upstream: 'https://gateway.example.com/openai/v1', isCustom: true },
    },
  ]);
});

test('a secret of the spec is held by the broker as well, and another one is not', async t => {
  const fields = { secrets: ['ANTHROPIC_API_KEY', 'OTHER_TOKEN'] };
  const { secrets } = await agentOf(fields, { HOME: homeWith(t) });
  t.deepEqual(
    secrets.map(({ name, broker }) => [name, broker !== undefined]),
    [
      ['ANTHROPIC_API_KEY', true],
      ['OTHER_TOKEN', false],
    ],
  );
});

test('a brokered agent does not get the files of its login', async t => {
  const HOME = homeWith(t, '.claude/.credentials.json', '.gitconfig');
  const { auth } = await agentOf({}, { HOME, ANTHROPIC_API_KEY: key });
  t.deepEqual(
    auth.files.map(({ home }) => home),
    ['.gitconfig'],
  );
});

const directs: readonly (readonly [string, object, Record<string, string>, RegExp])[] = [
  ['without a key', {}, {}, /^it has no key \(ANTHROPIC_API_KEY, /],
  [
    'with the key of another API',
    {},
    { ANTHROPIC_API_KEY: key, AWS_BEARER_TOKEN_BEDROCK: key },
    /^AWS_BEARER_TOKEN_BEDROCK is not/,
  ],
  [
    'with the switch of a cloud',
    {},
    { ANTHROPIC_API_KEY: key, CLAUDE_CODE_USE_VERTEX: '1' },
    /^CLAUDE_CODE_USE_VERTEX selects/,
  ],
  ['without a network', { network: 'none' }, { ANTHROPIC_API_KEY: key }, /"none"/],
  [
    'with a model in its own container',
    {},
    { ANTHROPIC_API_KEY: key, ANTHROPIC_BASE_URL: 'http://localhost:4000' },
    /own container$/,
  ],
  [
    'with an address that is no URL',
    {},
    { ANTHROPIC_API_KEY: key, ANTHROPIC_BASE_URL: 'gateway' },
    /not an http or https address$/,
  ],
  [
    'with a password in its address',
    {},
    { ANTHROPIC_API_KEY: key, ANTHROPIC_BASE_URL: 'https://me:word@gateway.example.com' },
    /user name/,
  ],
  [
    'with other settings',
    { args: ['--settings', 'x.json'] },
    { ANTHROPIC_API_KEY: key },
    /^its argument --settings/,
  ],
  [
    'of a CLI whose address is in a file',
    { provider: 'opencode' },
    { OPENAI_API_KEY: key },
    /from no variable$/,
  ],
];
for (const [title, fields, env, reason] of directs) {
  test(`an agent ${title} has its login itself, for a reason`, async t => {
    const { auth } = await agentOf(fields, { HOME: homeWith(t), ...env });
    t.is(auth.login?.mode, 'direct');
    t.regex(auth.login?.mode === 'direct' ? auth.login.reason! : '', reason);
  });

  test(`an agent ${title} is refused if it is to be brokered`, async t => {
    const agent = { provider: 'claude', prompt: 'x', ...fields, auth: { login: 'brokered' } };
    const [problem, ...others] = await problems({ agents: { a: agent } }, { HOME: homeWith(t), ...env });
    t.regex(problem!, /^agents\.a\.auth\.login: the broker cannot hold its login: /);
    t.deepEqual(others, []);
  });
}

test('"direct" hands the key over, "off" does not', async t => {
  const env = { HOME: homeWith(t), ANTHROPIC_API_KEY: key };
  const direct = await agentOf({ auth: { login: 'direct' } }, env);
  t.deepEqual(direct.auth.login, { mode: 'direct', reason: null });
  t.deepEqual(direct.secrets, [{ name: 'ANTHROPIC_API_KEY', file: null }]);
  const off = await agentOf({ auth: { login: 'off' } }, env);
  t.deepEqual([off.auth.login, off.secrets], [{ mode: 'off' }, []]);
});
