import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { sharesConnection } from '../../../src/docker/ssh.ts';
import { setEnvironment } from '../_helpers/environment.ts';
import { folder } from '../_helpers/repositories.ts';

/** Put a program named ssh on PATH that prints its arguments, and the settings of a host. */
function sshWith(t: ExecutionContext, script: string): void {
  const bin = folder(t);
  writeFileSync(join(bin, 'ssh'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, 'ssh'), 0o755);
  setEnvironment(t, { PATH: `${bin}:${process.env.PATH}` });
}

// All serial: they change the environment, which the whole process shares.
test.serial('a connection is shared with a master and a path for it', async t => {
  for (const [settings, expected] of [
    ['controlmaster auto\ncontrolpath /run/ssh', true],
    ['controlmaster ask\ncontrolpath ~/.ssh/%C', true],
    ['controlmaster false\ncontrolpath /run/ssh', false],
    ['controlmaster auto\ncontrolpath none', false],
    ['controlmaster auto', false],
    ['user me', false],
  ] as const) {
    sshWith(t, `echo '${settings}'`);
    t.is(await sharesConnection('ssh://me@build1'), expected, settings);
  }
});

test.serial('ssh is asked for the host, port and user of the address, and for no other option', async t => {
  sshWith(
    t,
    `[ "$*" = "-p 2222 -l me -G -- build1" ] && printf 'controlmaster auto\\ncontrolpath /run/ssh\\n'`,
  );
  t.true(await sharesConnection('ssh://me@build1:2222/run/docker.sock'));
  sshWith(t, `[ "$*" = "-G -- build1" ] && printf 'controlmaster auto\\ncontrolpath /run/ssh\\n'`);
  t.true(await sharesConnection('ssh://build1'));
});

test.serial('without a reply of ssh it is not known whether a connection is shared', async t => {
  sshWith(t, 'exit 255');
  t.is(await sharesConnection('ssh://build1'), null);
  t.is(await sharesConnection('not an address'), null);
  setEnvironment(t, { PATH: folder(t) });
  t.is(await sharesConnection('ssh://build1'), null);
});
