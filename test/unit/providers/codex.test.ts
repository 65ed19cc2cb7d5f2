import test from 'ava';
import { providerNamed } from '../../../src/providers/catalogue.ts';
import { ai, failureKind, hasLogin, homeWith } from '../_helpers/provider.ts';

test('codex prints events as JSON, without a sandbox of its own, and reads its prompt from standard input', async t => {
  const { command, stdin, report } = await ai('codex', { model: 'gpt-x' }, { CODEX_API_KEY: 'dummy-key' });
  t.deepEqual(command, [
    'codex',
    'exec',
    '--json',
    '--skip-git-repo-check',
    '--dangerously-bypass-approvals-and-sandbox',
    '--disable=shell_snapshot',
    '--config=analytics.enabled=false',
    '--config=check_for_update_on_startup=false',
    '--model',
    'gpt-x',
  ]);
  t.is(stdin, 'prompt');
  t.is(report?.format, 'codex');
});

test('codex gets the address of its API as an argument', async t => {
  const { command, env } = await ai('codex', {}, { OPENAI_BASE_URL: 'http://stub:8080/$1/v1' });
  t.is(command.at(-1), '--config=openai_base_url="http://stub:8080/$1/v1"');
  t.is(env.OPENAI_BASE_URL, 'http://stub:8080/$1/v1');
});

test('codex takes an OpenAI key under the name of its own, unless it has one or is logged in', async t => {
  const secrets = async (env: Record<string, string>) => (await ai('codex', {}, env)).secrets;
  const alias = { name: 'CODEX_API_KEY', file: null, from: 'OPENAI_API_KEY' };
  t.deepEqual(await secrets({ OPENAI_API_KEY: 'dummy-key' }), [alias]);
  t.deepEqual(await secrets({ OPENAI_API_KEY: 'dummy-key', CODEX_API_KEY: 'dummy-key' }), [
    { name: 'CODEX_API_KEY', file: null },
  ]);
  t.deepEqual(await secrets({ OPENAI_API_KEY: 'dummy-key', HOME: homeWith('.codex/auth.json') }), []);
});

test('an interactive codex gets its key through a model provider with the given address', async t => {
  const codex = (env: Record<string, string>) => ai('codex', { interactive: true, needsInput: 'fail' }, env);
  const { command, interactive } = await codex({
    OPENAI_API_KEY: 'key',
    OPENAI_BASE_URL: 'http://stub:8080/v1',
  });
  t.true(command.includes('--config=model_provider="env"'));
  t.true(command.some(word => word.includes('base_url="http://stub:8080/v1", env_key="CODEX_API_KEY"')));
  t.like(interactive, { needsInput: 'fail', renamed: {} });
  t.true(
    (await codex({ OPENAI_API_KEY: 'key' })).command.join().includes('base_url="https://api.openai.com/v1"'),
  );
  t.false((await codex({})).command.join().includes('model_provider'));
});

test('the hooks of an interactive codex report the start and the end of a turn', async t => {
  const { command } = await ai('codex', { interactive: true }, { CODEX_API_KEY: 'dummy-key' });
  t.deepEqual(
    command.filter(word => word.startsWith('--config=hooks.')),
    [
      '--config=hooks.UserPromptSubmit=[{hooks=[{type="command",command="agent-turn accepted"}]}]',
      '--config=hooks.Stop=[{hooks=[{type="command",command="agent-turn end"}]}]',
    ],
  );
  t.true(command.includes('--dangerously-bypass-hook-trust'));
});

test('codex accepts a key, a login on this machine or a local model as its login', async t => {
  t.true(await hasLogin('codex', {}, { OPENAI_API_KEY: 'dummy-key' }));
  t.true(await hasLogin('codex', {}, { HOME: homeWith('.codex/auth.json') }));
  t.true(await hasLogin('codex', { args: ['--oss'] }));
  t.true(await hasLogin('codex', { args: ['-p', 'local'] }));
  t.true(await hasLogin('codex', { args: ['--config=model_providers.x={}'] }));
  t.false(await hasLogin('codex', { args: ['--ossify', '-pretty'] }));
  t.false(await hasLogin('codex'));
});

test('the model provider that an interactive codex gets from us is not taken for a login', async t => {
  const fields = { interactive: true, needsInput: 'fail' };
  t.false(await hasLogin('codex', fields));
  t.true(await hasLogin('codex', fields, { CODEX_API_KEY: 'dummy-key' }));
});

test('messages of codex without a login or quota are recognized', t => {
  t.is(failureKind('codex', 'unexpected status 401 Unauthorized'), 'login');
  t.is(failureKind('codex', 'Missing environment variable: `CODEX_API_KEY`.'), 'login');
  t.is(failureKind('codex', "You've hit your usage limit. Try again at 3:00 PM."), 'quota');
  t.is(failureKind('codex', 'exceeded retry limit, last status: 429 Too Many Requests'), 'quota');
  t.is(failureKind('codex', 'stream disconnected at byte 4290'), null);
});

test('an interactive codex is ready at its empty prompt', t => {
  const ready = new RegExp(providerNamed('codex')!.interactive!.ready, 'm');
  const screen = (status: string) =>
    `  >_ OpenAI Codex (v0.171.0)\n     ${status}\n\n› Ask Codex to do anything\n\n  ? for shortcuts\n`;
  t.regex(screen('/workspace\n  permissions: YOLO mode'), ready);
  t.notRegex(screen('loading'), ready);
  t.notRegex(screen('/workspace'), ready);
  t.notRegex('you may type: › Ask Codex to do anything', ready);
});
