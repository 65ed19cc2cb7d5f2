import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { clis, nonce as newNonce } from './clis.ts';
import { place, small } from './flow.ts';
import { modelStub } from './model-stub.ts';
import { doesWhatItIsTold, failsAtOnceWhereItsKeyIsRefused, dummyKey as key } from './provider-runs.ts';

for (const cli of clis)
  test.serial(
    `${cli.name} does what its prompt says, in a run that names it and nothing else of it`,
    doesWhatItIsTold,
    cli,
  );

// Their images are there since the tests before.
for (const cli of clis)
  test.serial(
    `${cli.name} whose key is refused has failed at once, and says which variable to set`,
    failsAtOnceWhereItsKeyIsRefused,
    cli,
  );

test.serial(
  'claude whose plan is used up for 20 s waits, and goes on where it was, with its retries untouched',
  async t => {
    const here = place(t);
    const stub = await modelStub(t);
    stub.answers('429 reset=20');
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
      // Only those of a subscription are told when it is over.
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
    t.true(next!.at >= waits[0]!.until!, 'not before the plan is there again');
    t.is(readFileSync(join(here.workspace, 'answer.txt'), 'utf8').trim(), nonce);
    t.is(json.agents.after.status, 'succeeded');
    t.regex(stderr, /waiting for its quota: Claude Code: You've hit your .* resumes in \d+/);
  },
);

test.serial('claude that takes more turns than it was given is ended, and its work is kept', async t => {
  const here = place(t);
  const stub = await modelStub(t);
  stub.answers('endless');
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
