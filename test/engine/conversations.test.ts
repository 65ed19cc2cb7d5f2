import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type Place, place, small } from './flow.ts';
import { ownCli } from './own-cli.ts';
import { dummyKey } from './provider-runs.ts';

/** A CLI that appends its prompts to a file in its home, and copies that to the workspace. It fails once if asked to. */
const script = `#!/bin/sh
[ "$1" = --version ] && { echo 1.0.0; exit; }
mkdir -p "$HOME/.talker/chats" && cd "$HOME/.talker/chats" || exit 1
[ "$1" = --continue ] && { echo continued >>log; shift; }
[ ! -L link ] || echo "a link was carried" >>log
ln -sf /etc/passwd link
{ echo "drop this"; cat "$2"; echo; } >>log
cp log /workspace/log.txt
[ ! -e /workspace/fail ] || { rm /workspace/fail; exit 3; }
`;
const talker = {
  title: 'Talker',
  install: ownCli('talker', script, '1.0.0'),
  headless: { prompt: { file: '--prompt-file' } },
  keys: ['TALKER_API_KEY'],
  conversation: { files: ['.talker/chats'], args: ['--continue'], omit: 'drop' },
};
const own = { provider: 'talker', prompt: 'the task', workspace: 'workspace', ...small };
const runOwn = (here: Place, fields: object) =>
  here.run({ providers: { talker }, agents: { a: { ...own, ...fields } } }, [], {
    env: { ...here.env, TALKER_API_KEY: dummyKey },
  });

const sh = (command: string) => ['sh', '-c', command];
const continuedIn = (here: Place) =>
  here
    .journal()
    .flatMap(event => (event.type === 'conversation.continued' ? [[event.attempt, event.of]] : []));
const logOf = (here: Place) => readFileSync(join(here.workspace, 'log.txt'), 'utf8');

test.serial(
  'another round has the files of the conversation, and gets only the result of the check',
  async t => {
    const here = place(t);
    const command = sh('echo "checked in $AGENT_ROUND"; [ "$(grep -cx continued log.txt)" = 2 ]');
    const { exitCode, json, stderr } = await runOwn(here, { check: { command, rounds: 4 } });
    t.is(exitCode, 0, `${stderr}\n${here.transcript('a')}`);
    t.deepEqual(continuedIn(here), [
      [2, 1],
      [3, 2],
    ]);
    const continues = json.agents.a.attempts.map((attempt: { continues?: number }) => attempt.continues);
    t.deepEqual(continues, [undefined, 1, 2]);
    const log = logOf(here);
    t.is(log.match(/the task/g)?.length, 1);
    t.is(log.match(/drop this/g)?.length, 1, 'only that of the last attempt');
    t.regex(
      log,
      /did not pass in round 2 of 4: it exited with 1.*\n\nchecked in 2\n\nThis is a new container/,
    );
    t.notRegex(log, /a link was carried/);
    t.regex(stderr, /continues the conversation of attempt 2/);
    t.deepEqual(await here.containers(), []);
  },
);

test.serial('another round begins a new conversation if the spec says so', async t => {
  const here = place(t);
  const check = { command: sh('[ "$AGENT_ROUND" = 2 ]'), rounds: 2, continue: 'fresh' };
  const { exitCode, stderr } = await runOwn(here, { check });
  t.is(exitCode, 0, stderr);
  t.deepEqual(continuedIn(here), []);
  t.is(logOf(here).match(/the task/g)?.length, 1);
  t.notRegex(logOf(here), /continued/);
});

for (const onRetry of ['continue', 'restart'] as const)
  test.serial(`a retry after a failure with "onRetry": "${onRetry}"`, async t => {
    const here = place(t);
    writeFileSync(join(here.workspace, 'fail'), '');
    const { exitCode, stderr } = await runOwn(here, { retries: 1, onRetry });
    t.is(exitCode, 0, stderr);
    t.deepEqual(continuedIn(here), onRetry === 'continue' ? [[2, 1]] : []);
    const resumed = /the task\ncontinued\ndrop this\nContinue\. Your last attempt failed: .*3/;
    if (onRetry === 'continue') t.regex(logOf(here), resumed);
    else t.is(logOf(here), 'drop this\nthe task\n');
  });
