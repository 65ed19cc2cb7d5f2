import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { providerNamed } from '../../src/providers/catalogue.ts';
import { place, small } from './flow.ts';
import { modelStub } from './model-stub.ts';

/** Real CLIs, as they are installed for users; only what answers them is ours. */
const clis = [
  { name: 'claude', api: 'anthropic', key: 'ANTHROPIC_API_KEY', address: 'ANTHROPIC_BASE_URL', path: '' },
  { name: 'codex', api: 'openai', key: 'CODEX_API_KEY', address: 'OPENAI_BASE_URL', path: '/v1' },
  { name: 'gemini', api: 'gemini', key: 'GEMINI_API_KEY', address: 'GOOGLE_GEMINI_BASE_URL', path: '' },
] as const;

const key = 'dummy-key-7f3qk29d';

const holdsKey = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    name => statSync(join(folder, name)).isFile() && readFileSync(join(folder, name)).includes(key),
  );

for (const { name, api, key: variable, address, path } of clis) {
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
    const nonce = `NONCE-${Math.random().toString(36).slice(2, 12)}`;
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
      { env: { ...here.env, [variable]: key, [address]: `${stub.url}${path}` } },
    );
    t.is(exitCode, 0, `${stderr}\n${here.transcript('a')}`);
    t.is(readFileSync(join(here.workspace, 'answer.txt'), 'utf8').trim(), nonce);
    const seen = stub.seen().filter(entry => entry.api === api && entry.nonce === nonce);
    t.true(
      seen.some(({ event }) => event === 'tool-result'),
      JSON.stringify(stub.seen()),
    );
    t.false(seen.some(({ event }) => event === 'tool-failed'));

    t.like(json.agents.a.usage, { inputTokens: 200, cachedInputTokens: 80, outputTokens: 40 });
    t.regex(here.transcript('a'), /^● .*\n/m);
    t.regex(here.transcript('a'), new RegExp(`${nonce} is in answer\\.txt`));
    t.deepEqual(holdsKey(here.path), []);
    t.deepEqual(await here.containers(), []);
  });
}
