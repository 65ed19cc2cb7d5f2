import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { providerNamed } from '../../src/providers/catalogue.ts';
import { clis, envOf, nonce as newNonce } from './clis.ts';
import { place, small } from './flow.ts';
import { modelStub } from './model-stub.ts';

const key = 'dummy-key-7f3qk29d';

const holdsKey = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    name => statSync(join(folder, name)).isFile() && readFileSync(join(folder, name)).includes(key),
  );

for (const cli of clis) {
  const { name, api } = cli;
  test.serial(`${name} does what its prompt says, in a run that names it and nothing else of it`, async t => {
    const here = place(t);
    const built = await here.agentFlow(['build', '--provider', name, '--json'], { timeout: 1_200_000 });
    t.is(built.exitCode, 0, built.stderr);
    const version = await execa(
      'docker',
      ['run', '--rm', '--entrypoint', name, built.json.image, '--version'],
      {
        timeout: 120_000,
        stdin: 'ignore',
      },
    );
    const { install } = providerNamed(name)!;
    t.regex(
      version.stdout,
      new RegExp(`\\b${('version' in install ? install.version : '').replaceAll('.', '\\.')}\\b`),
    );

    const stub = await modelStub(t);
    const nonce = newNonce();
    const { exitCode, json, stderr } = await here.run(
      {
        agents: {
          a: {
            provider: name,
            prompt: `Write ${nonce} into the file answer.txt`,
            workspace: 'workspace',
            network: { name: stub.network },
            ...small,
            memory: '2g',
            timeouts: { run: '5m' },
          },
        },
      },
      [],
      { env: { ...here.env, ...envOf(cli, stub, key) } },
    );
    t.is(exitCode, 0, `${stderr}\n${here.transcript('a')}`);
    t.is(readFileSync(join(here.workspace, 'answer.txt'), 'utf8').trim(), nonce);
    const seen = stub.seen().filter(entry => entry.api === api && entry.nonce === nonce);
    t.true(
      seen.some(({ event }) => event === 'tool-result'),
      JSON.stringify(stub.seen()),
    );
    t.false(seen.some(({ event }) => event === 'tool-failed'));

    // gemini asks once more, for which of its models is to answer.
    const { inputTokens, cachedInputTokens, outputTokens } = json.agents.a.usage;
    t.true(outputTokens >= 40);
    t.deepEqual([inputTokens, cachedInputTokens], [outputTokens * 5, outputTokens * 2]);
    t.regex(here.transcript('a'), /^● \w+ .*answer\.txt/m);
    t.regex(here.transcript('a'), new RegExp(`${nonce} is in answer\\.txt`));
    t.deepEqual(holdsKey(here.path), []);
    t.deepEqual(await here.containers(), []);
  });
}

/** A CLI whose key is refused; its image is there since the tests before. */
for (const cli of clis) {
  const { name } = cli;
  test.serial(`${name} whose key is refused has failed at once, and says which variable to set`, async t => {
    const here = place(t);
    const stub = await modelStub(t);
    stub.answers('401');
    const { exitCode, json, stderr } = await here.run(
      {
        agents: {
          a: {
            provider: name,
            prompt: 'Write NONCE-abc123 into the file answer.txt',
            workspace: 'workspace',
            network: { name: stub.network },
            retries: 2,
            ...small,
            memory: '2g',
          },
        },
      },
      [],
      { env: { ...here.env, ...envOf(cli, stub, key) } },
    );
    t.is(exitCode, 1, stderr);
    const { error, attempts } = json.agents.a;
    t.is(error.kind, 'login', `${error.message}\n${here.transcript('a')}`);
    t.regex(error.message, new RegExp(`Set ${providerNamed(name)!.keys[0]}`));
    t.is(attempts.length, 1, 'another attempt would be refused as well');
    t.deepEqual(holdsKey(here.path), []);
  });
}

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
    t.regex(stderr, /waiting for its quota: Claude Code: You've hit your .* goes on in \d+/);
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
