import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import {
  checkPlan,
  checkSpec,
  continueConversation,
  keepConversation,
  promptOf,
  withRawOutput,
} from '../../../src/provider-check/check-spec.ts';
import { providers } from '../../../src/providers/catalogue.ts';
import { claude } from '../../../src/providers/claude.ts';
import { gemini } from '../../../src/providers/gemini.ts';

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'agent-flow-check-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Run a script as an agent does, with a folder in place of `/workspace`. */
const run = (script: string, workspace: string, home: string, command: readonly string[]) =>
  execa('sh', ['-c', script.replaceAll('/workspace', workspace), 'sh', ...command], {
    env: { HOME: home },
    reject: false,
  });

test('every CLI with settings for the stub can be planned with nothing of the caller', async t => {
  const path = folder(t);
  for (const provider of providers.filter(({ check }) => check !== undefined)) {
    const spec = checkSpec(provider, { prompt: promptOf('NONCE-1'), network: 'net' });
    const plan = await checkPlan(spec, { env: { HOME: path, ...provider.check!.env }, folder: path });
    const [agent] = plan.agents;
    t.is(plan.name, `check-${provider.name}`);
    t.deepEqual(agent?.network, { mode: 'bridge', name: 'net' });
    t.true(agent?.secrets.length === 1 || provider.models !== undefined, provider.name);
  }
});

test('the output of a turn can be left as it is', async t => {
  const spec = checkSpec(claude, { prompt: 'hi', network: 'net', args: ['--continue'] });
  const plan = await checkPlan(spec, { env: {}, folder: folder(t) });
  t.true(plan.agents[0]!.command.includes('--continue'));
  t.not(plan.agents[0]!.report, null);
  t.is(withRawOutput(plan).agents[0]!.report, null);
});

test('a conversation is kept with its exit code, and continued in another home without the lines to omit', async t => {
  const path = folder(t);
  const [workspace, first, second] = ['workspace', 'first', 'second'].map(name => join(path, name)) as [
    string,
    string,
    string,
  ];
  const chat = '.gemini/tmp/workspace/chats/session.jsonl';
  mkdirSync(workspace);
  mkdirSync(second);
  mkdirSync(join(first, dirname(chat)), { recursive: true });
  const kept = ['{"type":"user","content":[{"text":"hi"}]}', '{"type":"gemini"}'];
  const twice = '{"type":"user","content":[{"functionResponse":{}}]}';
  writeFileSync(join(first, chat), [kept[0], twice, kept[1], ''].join('\n'));
  writeFileSync(join(first, '.gemini/login.json'), 'secret');

  const command = ['sh', '-c', 'exit 3'];
  const ended = await run(keepConversation(gemini.conversation!), workspace, first, command);
  t.is(ended.exitCode, 3);
  const script = continueConversation(gemini.conversation!);
  const continued = await run(script, workspace, second, ['find', second, workspace, '-type', 'f']);
  t.is(continued.stdout, join(second, chat), 'nothing else is there');
  t.is(readFileSync(join(second, chat), 'utf8'), `${kept.join('\n')}\n`);
});

test('without a conversation nothing is kept, and nothing is continued', async t => {
  const path = folder(t);
  const ended = await run(keepConversation(claude.conversation!), path, path, ['true']);
  t.is(ended.exitCode, 0);
  const continued = await run(continueConversation(claude.conversation!), path, path, ['true']);
  t.is(continued.exitCode, 125);
});
