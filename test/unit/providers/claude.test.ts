import test from 'ava';
import { providerNamed } from '../../../src/providers/catalogue.ts';
import { ai, failureKind, hasLogin, homeWith } from '../_helpers/provider.ts';

const key = { ANTHROPIC_API_KEY: 'dummy-key' };

test('claude prints events as JSON, asks for no permission and reads its prompt from standard input', async t => {
  const { command, stdin, report } = await ai('claude', { model: 'opus', args: ['--max-turns', '3'] }, key);
  t.deepEqual(command, [
    'claude',
    '--print',
    '--verbose',
    '--output-format=stream-json',
    '--include-partial-messages',
    '--dangerously-skip-permissions',
    '--setting-sources=user',
    '--strict-mcp-config',
    '--add-dir=/workspace',
    '--add-dir=.',
    '--model',
    'opus',
    '--max-turns',
    '3',
  ]);
  t.is(stdin, 'prompt');
  t.is(report?.format, 'claude');
});

test('claude runs as root, without updates and other traffic', async t => {
  const { env } = await ai('claude', {}, key);
  t.deepEqual(env, {
    IS_SANDBOX: '1',
    CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD: '1',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    CLAUDE_CODE_SANDBOXED: '1',
    DISABLE_AUTOUPDATER: '1',
  });
});

test('claude gets its keys as secrets, and models and regions as plain variables', async t => {
  const { env, secrets } = await ai(
    'claude',
    {},
    {
      ...key,
      CLAUDE_CODE_OAUTH_TOKEN: 'dummy-token',
      CLAUDE_CODE_USE_BEDROCK: '1',
      AWS_REGION: 'eu-central-1',
      AWS_SECRET_ACCESS_KEY: 'dummy-secret',
    },
  );
  t.deepEqual(
    secrets.map(({ name }) => name),
    ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN'],
  );
  t.like(env, { CLAUDE_CODE_USE_BEDROCK: '1', AWS_REGION: 'eu-central-1' });
  t.false('AWS_SECRET_ACCESS_KEY' in env);
});

test('claude skips its onboarding', async t => {
  t.deepEqual((await ai('claude', {}, key)).settings, [
    { file: '.claude.json', json: { hasCompletedOnboarding: true } },
  ]);
});

test('an interactive claude asks nothing, and gets its key under another name', async t => {
  const agent = await ai('claude', { interactive: true }, key);
  t.like(agent, {
    stdin: 'terminal',
    report: null,
    interactive: { needsInput: 'notify', stalled: 60_000, renamed: { ANTHROPIC_API_KEY: 'AGENT_KEY' } },
  });
  t.deepEqual(agent.command.slice(0, 2), ['claude', '--dangerously-skip-permissions']);
  t.is(agent.command.at(-2), '--settings');
  t.like(JSON.parse(agent.command.at(-1)!), {
    apiKeyHelper: 'printenv AGENT_KEY',
    skipDangerousModePermissionPrompt: true,
  });
  const other = await ai('claude', { interactive: true });
  t.false('apiKeyHelper' in JSON.parse(other.command.at(-1)!));
});

test('the hooks of an interactive claude report the start, the end and the failure of a turn', async t => {
  const { command } = await ai('claude', { interactive: true }, key);
  const { hooks } = JSON.parse(command.at(-1)!) as {
    hooks: Record<string, [{ hooks: [{ command: string }] }]>;
  };
  t.deepEqual(
    Object.entries(hooks).map(([event, [group]]) => [event, group.hooks[0].command]),
    [
      ['UserPromptSubmit', 'agent-turn accepted'],
      ['Stop', 'agent-turn end queued'],
      ['StopFailure', 'agent-turn failed'],
    ],
  );
});

test('claude accepts a key, a login on this machine, a cloud or a gateway as its login', async t => {
  t.true(await hasLogin('claude', {}, key));
  t.true(await hasLogin('claude', {}, { HOME: homeWith('.claude/.credentials.json') }));
  t.true(await hasLogin('claude', { env: { CLAUDE_CODE_USE_FOUNDRY: '1' } }));
  t.true(await hasLogin('claude', {}, { ANTHROPIC_BASE_URL: 'http://gateway' }));
  t.true(await hasLogin('claude', { args: ['--settings', 'helper.json'] }));
  t.false(await hasLogin('claude'));
  t.false(await hasLogin('claude', { args: ['--settingsless'] }));
});

test('messages of claude without a login or quota are recognized', t => {
  t.is(failureKind('claude', 'Invalid API key · Please run /login'), 'login');
  t.is(failureKind('claude', 'Not logged in · Please run /login'), 'login');
  t.is(failureKind('claude', "You've hit your session limit · resets 3pm"), 'quota');
  t.is(failureKind('claude', 'API Error: Request rejected (429)'), 'quota');
  t.is(failureKind('claude', 'API Error: 500 Internal server error'), null);
});

test('an interactive claude is ready at its mode line, and its dialogs have titles', t => {
  const { ready, dialogs } = providerNamed('claude')!.interactive!;
  t.regex('  ⏵⏵ bypass permissions on (shift+tab to cycle)', new RegExp(ready, 'm'));
  t.notRegex('> a prompt that mentions ⏵⏵ bypass permissions on', new RegExp(ready, 'm'));
  const titleOf = (screen: string) =>
    dialogs.find(({ pattern }) => new RegExp(pattern, 'm').test(screen))?.title;
  t.is(titleOf(' Select login method:\n ❯ 1. Claude account'), 'asks for a login');
  t.is(titleOf('Enter to select · Esc to cancel'), 'asks a question');
});
