import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { place, small } from './flow.ts';

/** A place whose caller is at home, with logins of all kinds. */
function atHome(t: ExecutionContext) {
  const here = place(t);
  const home = join(here.path, 'home');
  for (const folder of ['.ssh', '.config/gcloud', '.config/claude'])
    mkdirSync(join(home, folder), { recursive: true });
  const files = {
    '.ssh/config': 'Host *\n  User ada\n',
    '.ssh/id_ed25519': 'a private key\n',
    '.ssh/known_hosts': 'example.com ssh-ed25519 AAAA\n',
    '.gitconfig': '[user]\n\tname = Ada\n',
    '.config/gcloud/credentials': 'of gcloud\n',
    '.config/claude/token': 'of claude\n',
  };
  for (const [file, text] of Object.entries(files)) writeFileSync(join(home, file), text, { mode: 0o600 });
  const asBefore = () =>
    Object.entries(files).every(([file, text]) => readFileSync(join(home, file), 'utf8') === text);
  const run = (command: string, more: object, env: Record<string, string> = {}) =>
    here.run(
      { agents: { a: { command: ['sh', '-c', command], workspace: 'workspace', ...more, ...small } } },
      [],
      {
        env: { ...here.env, HOME: home, ...env },
      },
    );
  return { here, home, run, asBefore };
}

test('a command has none of its caller’s logins', async t => {
  const { here, run } = atHome(t);
  const { exitCode } = await run('ls -A ~/.ssh ~/.gitconfig ~/.config /run/agent/auth', {});
  t.is(exitCode, 1);
  t.is(here.transcript('a').match(/No such file/g)?.length, 4);
});

test('the logins that it names are there, read-only, and where ssh must own them they are its own', async t => {
  const { here, home, run, asBefore } = atHome(t);
  await execa('chown', ['-R', '1000:1000', join(home, '.ssh')]);
  const { exitCode, stderr } = await run(
    [
      'set -e',
      'git config user.name',
      'ssh -G somewhere | grep "^user ada"',
      'cat ~/.ssh/id_ed25519 ~/.config/gcloud/credentials ~/.config/claude/token',
      'for file in ~/.gitconfig ~/.config/gcloud/new ~/.config/claude/token /run/agent/auth/.ssh/config; do ! echo x >>$file; done',
      'echo x >>~/.ssh/known_hosts',
    ].join('\n'),
    { auth: { git: true, gcloud: true, claude: true, ssh: 'keys' } },
  );
  t.is(exitCode, 0, `${stderr}\n${here.transcript('a')}`);
  t.regex(here.transcript('a'), /Ada.*user ada.*a private key.*of gcloud.*of claude/s);
  t.is(here.transcript('a').match(/Read-only file system/g)?.length, 4);
  t.true(asBefore());
});

test('keys that are root’s own are at their place, as the seed has them', async t => {
  const { here, run, asBefore } = atHome(t);
  const { exitCode, stderr } = await run(
    'mount | grep " /root/.ssh .*ro," && ssh -G somewhere | grep "^user ada" && ! touch ~/.ssh/x',
    { auth: { ssh: 'keys' } },
  );
  t.is(exitCode, 0, `${stderr}\n${here.transcript('a')}`);
  t.true(asBefore());
});

/** An ssh-agent that knows no key, which is all it takes to see that it is reached. */
async function sshAgent(t: ExecutionContext, path: string): Promise<void> {
  const server = createServer(socket => {
    socket.on('data', () => socket.write(Buffer.from([0, 0, 0, 5, 12, 0, 0, 0, 0])));
    // Who asks may leave before it has read the answer.
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>(resolve => server.listen(path, resolve));
  t.teardown(() => server.close());
}

test('with an ssh-agent the keys stay at home', async t => {
  const { here, run } = atHome(t);
  const socket = join(here.path, 'agent.sock');
  await sshAgent(t, socket);
  const { exitCode, stderr } = await run(
    'ssh-add -l; cat ~/.ssh/known_hosts && ! ls ~/.ssh/id_ed25519',
    { auth: { ssh: 'agent' } },
    { SSH_AUTH_SOCK: socket },
  );
  t.is(exitCode, 0, `${stderr}\n${here.transcript('a')}`);
  t.regex(here.transcript('a'), /The agent has no identities/);
});

test('without an ssh-agent, or with logins that the user may not read, nothing is started', async t => {
  const { here, home, run } = atHome(t);
  const noAgent = await run('true', { auth: { ssh: 'agent' } }, { SSH_AUTH_SOCK: '/nowhere' });
  t.is(noAgent.exitCode, 2);
  t.regex(noAgent.stderr, /agents\.a\.auth\.ssh: \$SSH_AUTH_SOCK does not name an ssh-agent; start one/);

  chmodSync(here.path, 0o755);
  chownSync(here.workspace, 1000, 1000);
  const closed = await run('true', { user: '1000:1000', auth: { git: true } });
  t.is(closed.exitCode, 2);
  t.regex(
    closed.stderr,
    /1000:1000 may not read .*\.gitconfig, which belongs to 0:0\. Use "user": "0:0", or leave it out/,
  );
  t.deepEqual(await here.containers(), []);

  await execa('chown', ['-R', '1000:1000', home]);
  const open = await run('git config user.name && test -O ~/.gitconfig', {
    user: '1000:1000',
    auth: { git: true },
  });
  t.is(open.exitCode, 0, `${open.stderr}\n${here.transcript('a')}`);
});
