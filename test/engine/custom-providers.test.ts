import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { place, small } from './flow.ts';
import { ownCli } from './own-cli.ts';

/** A CLI that writes its prompt to a file, and calls no API. */
const cli = `#!/bin/sh
[ "$1" = --version ] && { echo 1.2.3; exit; }
case "$MINE_API_KEY" in
  bad*) echo "Error: 401 Unauthorized" >&2; exit 1 ;;
esac
cat "$4" >answer.txt
echo "model $2 did it"
`;
const mine = {
  title: 'My CLI',
  install: ownCli('mine', cli, '1.2.3'),
  headless: { prompt: { file: '--prompt-file' } },
  model: '--model',
  keys: ['MINE_API_KEY'],
};
const agents = {
  a: { provider: 'mine', model: 'large', prompt: 'Write this', workspace: 'workspace', ...small },
};

test('a CLI that the spec defines is installed, and started with its prompt', async t => {
  const here = place(t);
  const env = { ...here.env, MINE_API_KEY: 'dummy-key-7f3qk29d' };
  const { exitCode, stderr } = await here.run({ providers: { mine }, agents }, [], { env });
  t.is(exitCode, 0, stderr);
  t.is(readFileSync(join(here.workspace, 'answer.txt'), 'utf8'), 'Write this');
  t.regex(here.transcript('a'), /model large did it/);
});

test('a CLI of a file of the user is listed, and its refused key is named', async t => {
  const here = place(t);
  const folder = join(here.path, '.config', 'agent-flow', 'providers');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'mine.json'), JSON.stringify(mine));
  const env = { ...here.env, HOME: here.path, XDG_CONFIG_HOME: '', MINE_API_KEY: 'bad-key-7f3qk29d' };
  const listed = await here.agentFlow(['providers', '--json'], { env });
  t.like(
    listed.json.find(({ name }: { name: string }) => name === 'mine'),
    { title: 'My CLI', version: '1.2.3', found: ['$MINE_API_KEY'] },
  );
  const { exitCode, json, stderr } = await here.run({ agents }, [], { env });
  t.is(exitCode, 1, stderr);
  t.is(json.agents.a.error.kind, 'authentication');
  t.regex(json.agents.a.error.message, /^My CLI: .*401 Unauthorized.*\. Set MINE_API_KEY/);
});

test('a CLI of the user without a key is not started', async t => {
  const here = place(t);
  const { exitCode, stderr } = await here.run({ providers: { mine }, agents });
  t.is(exitCode, 2);
  t.regex(stderr, /agents\.a: My CLI has no login: set MINE_API_KEY/);
});
