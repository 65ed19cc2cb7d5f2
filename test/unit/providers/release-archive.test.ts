import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { releaseArchive } from '../../../src/providers/release-archive.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** Run the script with a curl that downloads this text, on a machine of this kind. */
async function install(sum: string, { text = 'archive', machine = 'x86_64' } = {}) {
  const path = mkdtempSync(join(tmpdir(), 'agent-flow-archive-'));
  const bin = join(path, 'bin');
  mkdirSync(bin);
  const program = (name: string, script: string) =>
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  program('uname', `echo ${machine}`);
  program('curl', `echo "$@" >urls; printf '%s' '${text}' >archive`);
  program('apt-get', 'echo "apt-get $*"');
  const archive = { url: 'https://example.com/x', sha256: sum };
  const { script } = releaseArchive({
    version: '1',
    archives: { x86_64: archive, aarch64: { ...archive, url: 'https://example.com/arm' } },
    packages: ['unzip'],
    unpack: 'echo unpacked && cat urls',
  }) as { script: string };
  const result = await execa('sh', ['-c', script], {
    cwd: path,
    env: { PATH: `${bin}:${process.env.PATH}` },
    reject: false,
  });
  rmSync(path, { recursive: true, force: true });
  return result;
}

test('an archive is installed if its checksum is the expected one', async t => {
  const { exitCode, stdout } = await install(sha256('archive'));
  t.is(exitCode, 0);
  t.regex(stdout, /apt-get install -y --no-install-recommends unzip\n(.*\n)*unpacked\n.*example\.com\/x$/);
  t.regex((await install(sha256('archive'), { machine: 'aarch64' })).stdout, /example\.com\/arm$/);
});

test('an archive with another checksum is not unpacked', async t => {
  const { exitCode, stdout } = await install(sha256('archive'), { text: 'other' });
  t.not(exitCode, 0);
  t.notRegex(stdout, /unpacked/);
});

test('a machine without a release is refused', async t => {
  const { exitCode, stdout } = await install(sha256('archive'), { machine: 'riscv64' });
  t.is(exitCode, 1);
  t.is(stdout, 'there is no release for riscv64');
});
