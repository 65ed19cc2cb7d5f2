import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { UsageError } from '../../../src/errors.ts';
import { checkLogins, missingLogins } from '../../../src/preflight/check-logins.ts';
import { providerNamed, providers } from '../../../src/providers/catalogue.ts';
import { parseSpec } from '../../../src/spec/load.ts';

const bin = process.env.AGENT_FLOW_BIN || join(import.meta.dirname, '../../../src/bin.ts');

/** Create an empty home directory and a workspace, and write `files` below them. */
function folderWith(t: ExecutionContext, files: Readonly<Record<string, string>> = {}) {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'agent-flow-logins-')));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  for (const folder of ['home', 'workspace']) mkdirSync(join(path, folder));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), text);
  }
  return path;
}

/** Run the command in such a folder, without any login and without an engine. */
const withoutEngine = (path: string, ...args: readonly string[]) =>
  execa(process.execPath, [bin, ...args], {
    cwd: path,
    env: {
      PATH: `${join(path, 'bin')}:${process.env.PATH}`,
      HOME: join(path, 'home'),
      DOCKER_HOST: 'unix:///no-such-engine',
      AGENT_FLOW_STATE_DIR: join(path, 'state'),
    },
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    timeout: 60_000,
  });

interface Situation {
  readonly fields?: object;
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
}

/** Return the reported logins of an agent of this provider, in this situation. */
async function missing(t: ExecutionContext, provider: string, { fields, env, files }: Situation = {}) {
  const path = folderWith(t, files);
  const spec = { agents: { a: { provider, prompt: 'x', workspace: 'workspace', ...fields } } };
  return missingLogins(
    await parseSpec(JSON.stringify(spec), {
      path: join(path, 'flow.json'),
      env: { HOME: join(path, 'home'), ...env },
    }),
  );
}

for (const { name, title, keys, login } of providers) {
  test(`${name} without a login is refused, and the message names its variable`, async t => {
    const [problem, ...others] = await missing(t, name);
    t.deepEqual(others, []);
    t.true(problem?.startsWith(`agents.a: ${title} has no login: set ${keys[0]}`), problem);
    t.regex(problem!, /add "auth": \{"login": "off"\}/);
    t.is((await missing(t, name, { env: { [keys[0]!]: '' } })).length, 1, 'an empty key does not count');
  });

  test(`${name} is accepted with any of its keys or its login file`, async t => {
    for (const key of keys) {
      t.deepEqual(await missing(t, name, { env: { [key]: 'dummy-key' } }), [], key);
      t.deepEqual(await missing(t, name, { fields: { env: { [key]: 'dummy-key' } } }), [], key);
      t.deepEqual(await missing(t, name, { fields: { auth: 'off', secrets: [key] } }), [], key);
    }
    const text = '{"a": {"apiKey": "x", "key": "x"}, "api_key": "x", "selectedType": "x"}';
    const files = login.slice(0, 1).map(file => [`home/${file}`, text]);
    if (files.length > 0) t.deepEqual(await missing(t, name, { files: Object.fromEntries(files) }), []);
  });

  test(`${name} is accepted if the spec turns the login off`, async t => {
    t.deepEqual(await missing(t, name, { fields: { auth: { login: 'off' } } }), []);
    t.deepEqual(await missing(t, name, { fields: { auth: 'off' } }), []);
  });
}

const accepted: readonly (readonly [string, string, Situation])[] = [
  ['claude', 'Bedrock', { env: { CLAUDE_CODE_USE_BEDROCK: '1' } }],
  ['claude', 'Vertex', { env: { CLAUDE_CODE_USE_VERTEX: '1' } }],
  ['claude', 'Foundry', { fields: { env: { CLAUDE_CODE_USE_FOUNDRY: '1' } } }],
  ['claude', 'a gateway', { env: { ANTHROPIC_BASE_URL: 'http://gateway' } }],
  ['claude', 'settings as an argument', { fields: { args: ['--settings', 'helper.json'] } }],
  [
    'claude',
    'a key helper in the settings of a trusted workspace',
    {
      files: { 'workspace/.claude/settings.json': '{"apiKeyHelper": "./key"}' },
      fields: { trustWorkspace: true },
    },
  ],
  [
    'claude',
    'its folder among the mounts',
    { fields: { mounts: [{ source: 'home', target: '/root/.claude' }] } },
  ],
  ['codex', 'an OpenAI key', { env: { OPENAI_API_KEY: 'dummy-key' } }],
  ['codex', 'a local server', { env: { OPENAI_BASE_URL: 'http://ollama:11434/v1' } }],
  ['codex', 'a local model', { fields: { args: ['--oss'] } }],
  ['codex', 'a provider of its own', { fields: { args: ['--config=model_provider="ollama"'] } }],
  ['gemini', 'Vertex', { env: { GOOGLE_GENAI_USE_VERTEXAI: 'true' } }],
  ['gemini', 'a key in the workspace', { files: { 'workspace/.env': 'GEMINI_API_KEY=x' } }],
  [
    'opencode',
    'a provider in the configuration of a trusted workspace',
    { files: { 'workspace/opencode.json': '{"provider": {}}' }, fields: { trustWorkspace: true } },
  ],
  [
    'opencode',
    'a provider in a variable',
    { env: { OPENCODE_CONFIG_CONTENT: '{"provider": {"ollama": {}}}' } },
  ],
  [
    'opencode',
    'the key of another vendor',
    { env: { GROQ_API_KEY: 'dummy-key' }, fields: { secrets: ['GROQ_API_KEY'] } },
  ],
  ['copilot', 'a local model', { env: { COPILOT_PROVIDER_BASE_URL: 'http://ollama:11434/v1' } }],
  ['claude', 'a user who may log in by hand', { fields: { interactive: true } }],
  ['aider', 'a local model', { fields: { env: { OLLAMA_API_BASE: 'http://ollama:11434' } } }],
  ['aider', 'a key as an argument', { fields: { args: ['--api-key', 'groq=dummy'] } }],
];

for (const [provider, what, situation] of accepted)
  test(`${provider} with ${what} is accepted`, async t => {
    t.deepEqual(await missing(t, provider, situation), []);
  });

const refused: readonly (readonly [string, string, Situation])[] = [
  ['claude', 'the key of another CLI', { env: { OPENAI_API_KEY: 'dummy-key', GEMINI_API_KEY: 'dummy-key' } }],
  ['claude', 'an unrelated secret', { env: { NPM_TOKEN: 'dummy-key' }, fields: { secrets: ['NPM_TOKEN'] } }],
  [
    'claude',
    'a key helper in a workspace that it does not trust',
    { files: { 'workspace/.claude/settings.json': '{"apiKeyHelper": "./key"}' } },
  ],
  ['claude', 'settings without a login', { files: { 'workspace/.claude/settings.json': '{"hooks": {}}' } }],
  ['gemini', 'only a list of accounts', { files: { 'home/.gemini/google_accounts.json': '{}' } }],
  ['claude', 'needsInput "fail"', { fields: { interactive: true, needsInput: 'fail' } }],
  [
    'cline',
    'the file of a start without a login',
    { files: { 'home/.cline/data/settings/providers.json': '{"lastUsedProvider": "cline"}' } },
  ],
  ['opencode', 'an empty login file', { files: { 'home/.local/share/opencode/auth.json': '{}' } }],
  ['codex', 'an empty key', { fields: { env: { CODEX_API_KEY: ' ' } } }],
  ['opencode', 'a key that is not passed to it', { env: { GROQ_API_KEY: 'dummy-key' } }],
];

for (const [provider, what, situation] of refused)
  test(`${provider} with ${what} is refused`, async t => {
    t.is((await missing(t, provider, situation)).length, 1);
  });

test('a FIFO in place of a configuration file provides no login and does not block', async t => {
  const path = folderWith(t);
  await execa('mkfifo', [join(path, 'workspace', 'opencode.json')]);
  writeFileSync(
    join(path, 'flow.json'),
    JSON.stringify({ agents: { a: { provider: 'opencode', prompt: 'x', workspace: 'workspace' } } }),
  );
  const { exitCode, stderr } = await withoutEngine(path, 'run', 'flow.json');
  t.is(exitCode, 2);
  t.regex(stderr, /opencode has no login/i);
});

test('every agent without a login is named, and a command needs none', async t => {
  const path = folderWith(t);
  const spec = {
    agents: {
      a: { provider: 'claude', prompt: 'x' },
      b: { command: ['true'] },
      c: { provider: 'amp', prompt: 'x', dependsOn: ['b'] },
    },
  };
  const plan = await parseSpec(JSON.stringify(spec), {
    path: join(path, 'flow.json'),
    env: { HOME: join(path, 'home') },
  });
  const error = t.throws(() => checkLogins(plan), { instanceOf: UsageError });
  t.regex(error!.message, /^agents\.a: Claude Code .*\nagents\.c: Amp .*$/);
  t.is(error!.exitCode, 2);
});

test('a run of every AI CLI without a login exits with 2 before it needs an engine', async t => {
  const path = folderWith(t);
  const fields = { prompt: 'x', workspace: 'workspace' };
  const agents = Object.fromEntries(providers.map(({ name }) => [name, { provider: name, ...fields }]));
  writeFileSync(join(path, 'flow.json'), JSON.stringify({ agents }));
  mkdirSync(join(path, 'bin'));
  const calls = join(path, 'calls');
  writeFileSync(join(path, 'bin', 'docker'), `#!/bin/sh\necho "$*" >>'${calls}'\nexit 1\n`, { mode: 0o755 });
  const { exitCode, stderr, stdout } = await withoutEngine(path, 'run', 'flow.json');
  t.false(existsSync(calls), 'no docker is spawned');
  t.is(exitCode, 2);
  t.is(stdout, '');
  for (const name of Object.keys(agents))
    t.regex(stderr, new RegExp(`agents\\.${name}: .* has no login: set ${providerNamed(name)!.keys[0]}`));
  t.is(
    (await withoutEngine(path, 'validate', 'flow.json')).exitCode,
    0,
    'validate does not depend on the machine',
  );
});
