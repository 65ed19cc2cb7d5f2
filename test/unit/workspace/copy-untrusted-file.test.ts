import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { copyUntrustedFile } from '../../../src/workspace/copy-untrusted-file.ts';
import { folder } from '../_helpers/repositories.ts';

test('a regular file is copied with mode 0600', async t => {
  const base = folder(t);
  for (const content of ['', 'x', 'y'.repeat(300_000)]) {
    writeFileSync(join(base, 'from'), content);
    await copyUntrustedFile(join(base, 'from'), join(base, 'to'), 2 ** 20);
    t.is(readFileSync(join(base, 'to'), 'utf8'), content);
  }
  t.is(statSync(join(base, 'to')).mode & 0o777, 0o600);
});

test('a socket or device is not opened', async t => {
  const base = folder(t);
  const server = createServer().listen(join(base, 'socket'));
  t.teardown(() => server.close());
  await once(server, 'listening');
  for (const [name, path] of [
    ['a socket', join(base, 'socket')],
    ['a device', '/dev/null'],
  ] as const)
    await t.throwsAsync(
      copyUntrustedFile(path, join(base, 'to'), 100),
      { message: /is not a regular file$/ },
      name,
    );
  t.false(existsSync(join(base, 'to')));
});

test('links, FIFOs, directories and large files are refused without blocking', async t => {
  const base = folder(t);
  writeFileSync(join(base, 'secret'), 'secret');
  symlinkSync(join(base, 'secret'), join(base, 'link'));
  execFileSync('mkfifo', [join(base, 'fifo')]);
  for (const name of ['link', 'fifo', '.'])
    await t.throwsAsync(copyUntrustedFile(join(base, name), join(base, 'to'), 100), {
      message: /is not a regular file$/,
    });
  await t.throwsAsync(copyUntrustedFile(join(base, 'secret'), join(base, 'to'), 5), {
    message: /is larger than/,
  });
});
