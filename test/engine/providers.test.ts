import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { clis, nonce as newNonce } from './clis.ts';
import { place, small } from './flow.ts';
import { modelStub } from './model-stub.ts';
import { failsWithRejectedKey, followsItsPrompt, dummyKey as key } from './provider-runs.ts';

for (const cli of clis)
  test.serial(`${cli.name} follows its prompt in a run that sets only the provider`, followsItsPrompt, cli);

// Their images exist since the previous tests.
for (const cli of clis)
  test.serial(
    `${cli.name} with a rejected key fails at once and names the variable to set`,
    failsWithRejectedKey,
    cli,
  );

test.serial(
  'claude waits 20 s for its quota, and continues its conversation without using up a retry',
  async t => {
    const here = place(t);
    const stub = await modelStub(t);
    stub.setMode('429 reset=20');
    const nonce = newNonce();
    const { exitCode, json, stderr } = await here.run(
      {
        agents: {
          a: {
            provider: 'claude',
            prompt: `Write ${nonce} into the file answer.txt`,
            workspace: 'workspace',
            network: { name: stub.network },
            ...small,
            memory: '2g',
          },
          after: { command: ['cat', 'answer.txt'], workspace: 'workspace', dependsOn: ['a'], ...small },
        },
      },
      [],
      // Only a subscription reports when its quota resets.
      { env: { ...here.env, CLAUDE_CODE_OAUTH_TOKEN: key, ANTHROPIC_BASE_URL: stub.url } },
    );
    t.is(exitCode, 0, `${stderr}\n${here.transcript('a')}`);
    const states = here
      .journal()
      .flatMap(event => (event.type === 'agent.state' && event.agent === 'a' ? [event] : []));
    const waits = states.filter(({ state }) => state === 'waitingForQuota');
    t.is(waits.length, 1);
    t.deepEqual(
      json.agents.a.attempts.map(({ status }: { status: string }) => status),
      ['failed', 'succeeded'],
    );
    const next = states.find(({ attempt, state }) => attempt === 2 && state === 'building');
    t.true(next!.at >= waits[0]!.until!, 'not before the quota is reset');
    t.is(readFileSync(join(here.workspace, 'answer.txt'), 'utf8').trim(), nonce);
    t.is(json.agents.after.status, 'succeeded');
    t.regex(stderr, /waiting for its quota: Claude Code: You've hit your .* resumes in \d+/);
  },
);

test.serial('claude is ended after its maximum of turns, and its work is kept', async t => {
  const here = place(t);
  const stub = await modelStub(t);
  stub.setMode('endless');
  const { exitCode, json } = await here.run(
    {
      agents: {
        a: {
          provider: 'claude',
          prompt: 'Write NONCE-abc123 into the file answer.txt',
          budget: { turns: 2 },
          workspace: 'workspace',
          network: { name: stub.network },
          retries: 1,
          ...small,
          memory: '2g',
        },
      },
    },
    [],
    { env: { ...here.env, ANTHROPIC_API_KEY: key, ANTHROPIC_BASE_URL: stub.url } },
  );
  t.is(exitCode, 1);
  const { error, attempts, usage } = json.agents.a;
  t.is(error.kind, 'budget', `${error.message}\n${here.transcript('a')}`);
  t.is(attempts.length, 1);
  t.is(usage.turns, 3);
  t.true(existsSync(join(here.workspace, 'answer.txt')));
});
