import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { startBox, until } from './box.ts';

/** Create a home directory with logins, including unusual files. */
function logins(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-auth-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const path of ['.ssh/keys', '.config/gcloud']) mkdirSync(join(folder, path), { recursive: true });
  writeFileSync(join(folder, '.gitconfig'), '[user]\n\tname = Ada\n', { mode: 0o644 });
  writeFileSync(join(folder, '.ssh/config'), 'Host *\n  User ada\n', { mode: 0o644 });
  writeFileSync(join(folder, '.ssh/keys/-n a key $(id)'), 'no line break', { mode: 0o600 });
  symlinkSync('/nowhere/at/all', join(folder, '.ssh/dangling'));
  execFileSync('mkfifo', [join(folder, '.ssh/control')]);
  return folder;
}

for (const [user, home] of [
  ['0:0', '/root'],
  ['1000:1000', '/tmp/home'],
] as const) {
  test(`as ${user} an agent owns copies of the logins, and those of the host are unchanged`, async t => {
    const folder = logins(t);
    if (user !== '0:0') execFileSync('chown', ['-R', user, folder]);
    const mount = `--mount=type=bind,source=${folder},target=/run/agent/auth,readonly=true`;
    const box = await startBox(t, { options: [`--user=${user}`, `--env=HOME=${home}`, mount] });
    t.true(await until(async () => (await box.exec(['agent-ready', '0'])).exitCode === 0));

    const { stdout } = await box.exec([
      'sh',
      '-c',
      `cd "$HOME" && pwd && stat -c '%u %a %n' .ssh .ssh/config .ssh/keys/* .gitconfig && ls -A .ssh && cat .ssh/keys/*`,
    ]);
    const who = user.split(':')[0];
    t.is(
      stdout,
      [
        home,
        `${who} 700 .ssh`,
        `${who} 600 .ssh/config`,
        `${who} 600 .ssh/keys/-n a key $(id)`,
        `${who} 600 .gitconfig`,
        'config',
        'keys',
        'no line break',
      ].join('\n'),
    );
    // ssh fails for a user without an entry in /etc/passwd.
    if (home === '/root') t.regex((await box.exec(['ssh', '-G', 'somewhere'])).stdout, /^user ada$/m);
    t.is((await box.exec(['sh', '-c', 'echo x >>~/.gitconfig'])).exitCode, 0);
    t.not((await box.exec(['sh', '-c', 'echo x >>/run/agent/auth/.gitconfig'])).exitCode, 0);
    t.is(readFileSync(join(folder, '.gitconfig'), 'utf8'), '[user]\n\tname = Ada\n');
  });
}

test('an agent starts without a login that cannot be read', async t => {
  const folder = logins(t);
  execFileSync('chown', ['-R', '1000:1000', folder]);
  execFileSync('chown', ['0:0', join(folder, '.ssh/keys/-n a key $(id)')]);
  const mount = `--mount=type=bind,source=${folder},target=/run/agent/auth,readonly=true`;
  const box = await startBox(t, { options: ['--user=1000:1000', '--env=HOME=/tmp/home', mount] });
  await box.inject('cat ~/.ssh/config');
  const { code, output } = await box.end();
  t.is(code, 0);
  t.regex(output, /User ada/);
});
