import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { clis, envOf } from './clis.ts';
import { place, small } from './flow.ts';
import { modelStub } from './model-stub.ts';
import { ownCli } from './own-cli.ts';
import { dummyKey as key } from './provider-runs.ts';

/** A CLI that writes a wrong output, and a valid one if its prompt has the problem and its earlier work is there. */
const cli = `#!/bin/sh
[ "$1" = --version ] && { echo 1.0.0; exit; }
cat "$2" >"prompt-$(ls | wc -l)"
grep -q 'prompt: never' "$2" && { echo '{}' >"$AGENT_OUTPUT_FILE"; exit; }
if grep -q 'was not accepted' "$2" && [ -e prompt-0 ]
then echo '{"title": "right"}' >"$AGENT_OUTPUT_FILE"
else echo '{"title": 7}' >"$AGENT_OUTPUT_FILE"
fi
`;
const providers = {
  writer: { install: ownCli('writer', cli, '1.0.0'), headless: { prompt: { file: '--prompt-file' } } },
};
const schema = { type: 'object', properties: { title: { type: 'string' } }, required: ['title'] };
const agent = (prompt: string, more: object = {}) => ({
  ...{ provider: 'writer', prompt, auth: { login: 'off' }, output: { schema } },
  ...{ workspace: 'workspace', ...small, ...more },
});
const statuses = ({ attempts }: { attempts: { status: string }[] }) => attempts.map(({ status }) => status);

test('an AI CLI corrects its output from its saved work, and the next agent reads it', async t => {
  const here = place(t);
  const { exitCode, json, stderr } = await here.run({
    providers,
    agents: {
      plan: agent('prompt: once'),
      read: {
        command: ['test', '${agents.plan.output.title}', '=', 'right'],
        workspace: 'workspace',
        ...small,
      },
    },
  });
  t.is(exitCode, 0, stderr);
  const { plan } = json.agents;
  t.deepEqual(statuses(plan), ['failed', 'succeeded']);
  const problem = 'its output does not match its schema: title: must be string';
  t.is(plan.attempts[0].outputProblem, problem);
  t.deepEqual(plan.output, { title: 'right' });
  t.regex(stderr, /plan +attempt 1 failed: its output .*must be string; attempt 2 corrects it/);
  const second = readFileSync(join(here.workspace, 'prompt-1'), 'utf8');
  t.true(second.startsWith(readFileSync(join(here.workspace, 'prompt-0'), 'utf8').trimEnd()));
  t.true(second.includes(`was not accepted: ${problem}.\nYour work so far is in the workspace.`));
  t.deepEqual(await here.containers(), []);
});

test('an output is corrected once, and a command corrects nothing', async t => {
  const here = place(t);
  const { exitCode, json } = await here.run({
    providers,
    agents: {
      never: agent('prompt: never', { workspace: { mode: 'copy', path: 'workspace' } }),
      command: { command: ['true'], output: { schema }, workspace: 'workspace', ...small },
    },
  });
  t.is(exitCode, 1);
  t.deepEqual(statuses(json.agents.never), ['failed', 'failed']);
  t.is(json.agents.never.error.kind, 'output');
  t.deepEqual(statuses(json.agents.command), ['failed']);
});

test('a run that is killed before the correction begins corrects the output once', async t => {
  const here = place(t);
  const file = here.write({ providers, agents: { plan: agent('prompt: once') } });
  const run = here.start(['run', file]);
  let seen = '';
  for await (const chunk of run.stderr!) {
    seen += chunk;
    if (seen.includes('corrects it')) break;
  }
  run.kill('SIGKILL');
  await run.catch(() => {});
  const { exitCode, json, stderr } = await here.agentFlow(['resume', here.runId()!, '--json']);
  t.is(exitCode, 0, stderr);
  t.deepEqual(statuses(json.agents.plan), ['failed', 'succeeded']);
  const ended = here.journal().filter(event => event.type === 'attempt.ended');
  t.deepEqual([...new Set(ended.map(event => event.attempt))], [1, 2]);
});

for (const { name, setup, ...cli } of clis.filter(each => each.name !== 'gemini'))
  test.serial(`${name} corrects its output in the same conversation`, async t => {
    const here = place(t);
    const stub = await modelStub(t, [
      { pattern: 'Count the files', command: 'touch counted' },
      { pattern: 'was not accepted', command: `echo '{"title": "one"}' >"$AGENT_OUTPUT_FILE"` },
    ]);
    const home = join(here.path, 'home');
    const { exitCode, json, stderr } = await here.run(
      {
        agents: {
          a: {
            ...{ provider: name, model: setup.model, output: { schema }, prompt: 'Count the files' },
            ...{ workspace: 'workspace', network: { name: stub.network }, ...small, memory: '2g' },
          },
        },
      },
      [],
      { env: { ...here.env, ...envOf({ name, setup, ...cli }, stub, { key, home }) } },
    );
    t.is(exitCode, 0, `${stderr}\n${here.transcript('a')}`);
    t.deepEqual(statuses(json.agents.a), ['failed', 'succeeded']);
    t.is(json.agents.a.attempts[1].continues, 1);
    t.deepEqual(json.agents.a.output, { title: 'one' });
    const prompt = stub.seen().find(({ event, nonce }) => event === 'prompt' && nonce === 'script-2');
    t.deepEqual(prompt?.earlier, ['script-1'], 'the model has the earlier turn');
  });
