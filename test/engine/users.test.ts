import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { bin, place, small } from './flow.ts';

/** A repository of uid 1000 that no other user may enter, like many home directories. */
async function repositoryOf1000(t: ExecutionContext) {
  const here = place(t);
  const repository = join(here.workspace, 'repository');
  mkdirSync(repository);
  writeFileSync(join(repository, 'file'), 'theirs\n', { mode: 0o600 });
  chmodSync(repository, 0o700);
  await execa('git', ['init', '--quiet', repository]);
  await execa('chown', ['-R', '1000:1000', repository]);
  return { here, repository };
}

/** Typical work of an agent: reads, writes, runs git, and needs a name, a home and a place for temporary files. */
const day = [
  'set -e',
  'cat file >/dev/null',
  'echo more >>file',
  'echo new >new && chmod 755 new',
  'git status --short >/dev/null',
  'git -c user.name=a -c user.email=a@b commit --quiet --allow-empty -m one',
  'whoami >/dev/null',
  'echo x >"$HOME/.touched"',
  'echo x >"$(mktemp)"',
  'echo "i am $(id -u):$(id -g) at $HOME"',
].join('\n');

const run = (here: Awaited<ReturnType<typeof repositoryOf1000>>['here'], more: object) =>
  here.run({
    agents: { a: { command: ['sh', '-c', day], workspace: 'workspace/repository', ...more, ...small } },
  });

for (const [user, who, owner] of [
  [undefined, 'i am 0:0 at /root', 0],
  ['root', 'i am 0:0 at /root', 0],
  ['1000:1000', /i am 1000:1000 at \/home\/\w+/, 1000],
] as const) {
  test(`as ${user ?? 'the default user'} an agent works on files of uid 1000 in a private directory`, async t => {
    const { here, repository } = await repositoryOf1000(t);
    const { exitCode, stderr } = await run(here, user === undefined ? {} : { user });
    t.is(exitCode, 0, `${stderr}\n${here.transcript('a')}`);
    t.regex(here.transcript('a'), typeof who === 'string' ? new RegExp(who) : who);
    t.is(statSync(join(repository, 'new')).uid, owner);
    t.is(statSync(join(repository, 'file')).uid, 1000);
  });
}

test('a user that the image does not define gets a name and a home, also in a foreign image', async t => {
  const { here, repository } = await repositoryOf1000(t);
  await execa('chown', ['-R', '4321:8765', repository]);
  const { exitCode, stderr } = await run(here, { user: '4321:8765', image: 'node:22-slim' });
  const transcript = here.transcript('a');
  // It has no git.
  t.is(exitCode, 1, stderr);
  t.regex(transcript, /git: not found/);
  const { exitCode: withoutGit } = await here.agentFlow([
    'run',
    here.write({
      agents: {
        a: {
          command: [
            'sh',
            '-c',
            'echo x >>file && test "$(whoami)" = agent && test "$HOME" = /home/agent && echo x >"$HOME/x"',
          ],
          workspace: 'workspace/repository',
          user: '4321:8765',
          image: 'node:22-slim',
          ...small,
        },
      },
    }),
  ]);
  t.is(withoutGit, 0);
});

test('"host" is the user who runs agent-flow, who then owns the files', async t => {
  const { here, repository } = await repositoryOf1000(t);
  // The caller with uid 1000 must reach its own files and the engine; the rest is unchanged.
  chownSync(here.path, 1000, 1000);
  const spec = here.write({
    agents: { a: { command: ['sh', '-c', day], workspace: 'workspace/repository', user: 'host', ...small } },
  });
  for (const path of [spec, here.workspace]) chownSync(path, 1000, 1000);
  const socket = statSync('/var/run/docker.sock');
  const { exitCode, stderr } = await execa(
    'setpriv',
    ['--reuid=1000', '--regid=1000', `--groups=${socket.gid}`, process.execPath, bin, 'run', spec],
    {
      cwd: here.path,
      env: { ...here.env, HOME: here.path },
      extendEnv: false,
      reject: false,
      stdin: 'ignore',
      timeout: 300_000,
    },
  );
  t.is(exitCode, 0, stderr);
  for (const name of ['file', 'new', '.git/HEAD']) t.is(statSync(join(repository, name)).uid, 1000, name);
});

test('a user without access to the workspace is refused before the start with a hint', async t => {
  const { here, repository } = await repositoryOf1000(t);
  const { exitCode, stderr } = await run(here, { user: '4321:8765' });
  t.is(exitCode, 2);
  t.regex(
    stderr,
    /agents\.a\.user: 4321:8765 may not work in .*repository, which belongs to 1000:1000 with mode 700/,
  );
  t.true(stderr.includes(`chown -R 4321:8765 ${repository}`));
  t.is(here.runId(), null);
});
