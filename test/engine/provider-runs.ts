import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { providerNamed } from '../../src/providers/catalogue.ts';
import { reportsUsage } from '../../src/providers/report.ts';
import { type Cli, envOf, keyOf, nonce as newNonce } from './clis.ts';
import { place, small } from './flow.ts';
import { modelStub } from './model-stub.ts';

export const dummyKey = 'dummy-key-7f3qk29d';

const holdsKey = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    name => statSync(join(folder, name)).isFile() && readFileSync(join(folder, name)).includes(dummyKey),
  );

/** Builds its image, and makes it write a file. */
export async function followsItsPrompt(t: ExecutionContext, cli: Cli): Promise<void> {
  const {
    name,
    setup: { api, model },
  } = cli;
  const here = place(t);
  const built = await here.agentFlow(['build', '--provider', name, '--json'], { timeout: 1_200_000 });
  t.is(built.exitCode, 0, built.stderr);
  const version = await execa(
    'docker',
    ['run', '--rm', '--entrypoint', name, built.json.image, '--version'],
    { timeout: 120_000, stdin: 'ignore' },
  );
  const { install, report } = providerNamed(name)!;
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
          model,
          prompt: `Write ${nonce} into the file answer.txt`,
          workspace: 'workspace',
          network: { name: stub.network },
          ...small,
          memory: '2g',
          timeouts: { run: '14m' },
        },
      },
    },
    [],
    { env: { ...here.env, ...envOf(cli, stub, { key: dummyKey, home: join(here.path, 'home') }) } },
  );
  t.is(exitCode, 0, `${stderr}\n${here.transcript('a')}`);
  t.is(readFileSync(join(here.workspace, 'answer.txt'), 'utf8').trim(), nonce);
  const seen = stub.seen().filter(entry => entry.api === api && entry.nonce === nonce);
  t.true(
    seen.some(({ event }) => event === 'tool-result'),
    JSON.stringify(stub.seen()),
  );
  t.false(seen.some(({ event }) => event === 'tool-failed'));

  // Then it is the count of the broker.
  if (!reportsUsage(report)) t.true(json.agents.a.usage.outputTokens > 0);
  else {
    // gemini first asks which of its models to use.
    const { inputTokens, cachedInputTokens, outputTokens } = json.agents.a.usage;
    t.true(outputTokens >= 40);
    t.deepEqual([inputTokens, cachedInputTokens], [outputTokens * 5, outputTokens * 2]);
  }
  t.regex(here.transcript('a'), /^● \w+ .*answer\.txt/m);
  t.regex(here.transcript('a'), new RegExp(`${nonce} is in answer\\.txt`));
  t.deepEqual(holdsKey(here.path), []);
  t.deepEqual(await here.containers(), []);
}

/** Run it on the image that `followsItsPrompt` has built. */
export async function failsWithRejectedKey(t: ExecutionContext, cli: Cli): Promise<void> {
  const {
    name,
    setup: { model },
  } = cli;
  const key = keyOf(cli);
  const here = place(t);
  const stub = await modelStub(t);
  stub.setMode('401');
  const { exitCode, json, stderr } = await here.run(
    {
      agents: {
        a: {
          provider: name,
          model,
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
    { env: { ...here.env, ...envOf(cli, stub, { key: dummyKey, home: join(here.path, 'home') }) } },
  );
  t.is(exitCode, 1, stderr);
  const { error, attempts } = json.agents.a;
  t.is(error.kind, 'authentication', `${error.message}\n${here.transcript('a')}`);
  const { aliases } = providerNamed(name)!;
  const own = Object.keys(aliases).find(alias => aliases[alias] === key) ?? key;
  t.regex(error.message, new RegExp(`Set ${own}`));
  t.is(attempts.length, 1, 'another attempt would be refused as well');
  t.deepEqual(holdsKey(here.path), []);
}
