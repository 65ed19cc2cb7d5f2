import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { isLock, lockHolder, takeLock, watchLock } from '../../../src/store/lock.ts';
import { type Holder, type Identity, ownIdentity } from '../../../src/store/lock-holder.ts';

function file(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-lock-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return join(folder, 'lock');
}

test('takeLock returns the holder of a held lock', t => {
  const path = file(t);
  const lock = takeLock(path);
  t.true(isLock(lock));
  const second = takeLock(path);
  t.false(isLock(second));
  t.like(second, { identity: { pid: process.pid }, doubt: null });
  if (isLock(lock)) lock[Symbol.dispose]();
  t.is(lockHolder(path), null);
  t.true(isLock(takeLock(path)));
});

const takeOwnLock = (t: ExecutionContext) => {
  const path = file(t);
  const lock = takeLock(path);
  if (!isLock(lock)) throw new Error('unreachable');
  return { path, lock, holder: ownIdentity() };
};

for (const [title, change] of [
  ['of an exited process', { pid: 2 ** 22 + 1 }],
  ['of a reused pid', { started: '1' }],
  ['from before a reboot', { boot: 'another' }],
] as const)
  test(`a lock ${title} is taken over`, t => {
    const { path, holder } = takeOwnLock(t);
    writeFileSync(`${path}.1`, JSON.stringify({ ...holder, ...change }));
    t.is(lockHolder(path), null);
    t.true(isLock(takeLock(path)));
    t.deepEqual(readdirSync(dirname(path)), ['lock.2']);
  });

test('a lock of another host counts as held, since its process cannot be checked', t => {
  const { path, holder } = takeOwnLock(t);
  writeFileSync(`${path}.1`, JSON.stringify({ ...holder, host: `not-${hostname()}`, boot: 'theirs' }));
  t.false(isLock(takeLock(path)));
});

/** Return a holder that this process cannot check. */
const foreign = (holder: Identity): Identity => ({ ...holder, namespace: 'pid:[1]', pid: 1 });

test('a lock whose holder may be alive is taken over only with force', t => {
  const { path, holder } = takeOwnLock(t);
  writeFileSync(`${path}.1`, JSON.stringify(foreign(holder)));
  t.regex((takeLock(path) as Holder).doubt!, /another pid namespace/);
  t.true(isLock(takeLock(path, { force: true })));
  t.deepEqual(readdirSync(dirname(path)), ['lock.2']);
});

test('a lock whose holder is known to be alive is not taken over, even with force', t => {
  const { path } = takeOwnLock(t);
  t.like(takeLock(path, { force: true }), { doubt: null });
  t.deepEqual(readdirSync(dirname(path)), ['lock.1']);
});

test('only one of two processes that force a lock at once gets it', t => {
  for (const change of [(holder: Identity) => holder, foreign]) {
    const { path, holder } = takeOwnLock(t);
    writeFileSync(`${path}.1`, JSON.stringify({ ...foreign(holder), pid: 2 }));
    let isFirst = true;
    const lock = takeLock(path, {
      force: true,
      link(from, to) {
        // The other process is slightly earlier.
        if (isFirst) writeFileSync(`${path}.2`, JSON.stringify(change(holder)));
        isFirst = false;
        linkSync(from, to);
      },
    });
    t.false(isLock(lock));
  }
});

test('a lock whose file was removed is lost, and its replacement is kept', async t => {
  const { path, lock } = takeOwnLock(t);
  t.true(lock.isHeld());
  const lost = new Promise<void>(resolve => watchLock(lock, resolve, 5));
  rmSync(`${path}.1`);
  await lost;
  t.false(lock.isHeld());
  writeFileSync(`${path}.1`, 'of another');
  lock[Symbol.dispose]();
  t.deepEqual(readdirSync(dirname(path)), ['lock.1']);
});

test('a lock is lost with its directory', t => {
  const { path, lock } = takeOwnLock(t);
  rmSync(dirname(path), { recursive: true });
  t.false(lock.isHeld());
  t.is(lockHolder(path), null);
  t.notThrows(() => lock[Symbol.dispose]());
  mkdirSync(dirname(path));
});

test('a link that exists despite an error of the file system counts as created', t => {
  const path = file(t);
  const lock = takeLock(path, {
    link(from, to) {
      linkSync(from, to);
      linkSync(from, to);
    },
  });
  t.true(isLock(lock));
  t.deepEqual(readdirSync(dirname(path)), ['lock.1']);
});

for (const code of ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])
  test(`locks work on a file system whose link fails with ${code}`, t => {
    const path = file(t);
    const link = () => {
      throw Object.assign(new Error(`${code}: no links here`), { code });
    };
    const lock = takeLock(path, { link });
    t.true(isLock(lock));
    t.false(isLock(takeLock(path, { link })));
    if (isLock(lock)) lock[Symbol.dispose]();
    t.deepEqual(readdirSync(dirname(path)), []);
  });

test('a lock that is not a regular file has no holder', t => {
  const path = file(t);
  mkdirSync(`${path}.1`);
  symlinkSync('/etc/hostname', `${path}.2`);
  t.is(lockHolder(path), null);
  t.true(isLock(takeLock(path)));
  t.deepEqual(readdirSync(dirname(path)), ['lock.3']);
});

test('a lock file with invalid content does not block a process', t => {
  const path = file(t);
  writeFileSync(`${path}.1`, 'nonsense');
  writeFileSync(`${path}.x`, 'more nonsense');
  t.true(isLock(takeLock(path)));
});

test('one process at a time holds a lock that many take over at once', async t => {
  const path = file(t);
  writeFileSync(`${path}.1`, JSON.stringify({ ...ownIdentity(), pid: 2 ** 22 + 1 }));
  const log = join(dirname(path), 'log');
  // Each process takes the lock repeatedly, and logs when it gets and releases it.
  const script = `
    import { appendFileSync } from 'node:fs';
    import { isLock, takeLock } from ${JSON.stringify(join(import.meta.dirname, '../../../src/store/lock.ts'))};
    let wins = 0;
    for (let tries = 0; tries < 400; tries++) {
      const lock = takeLock(${JSON.stringify(path)});
      if (!isLock(lock)) continue;
      appendFileSync(${JSON.stringify(log)}, 'in ' + process.pid + '\\n');
      appendFileSync(${JSON.stringify(log)}, 'out ' + process.pid + '\\n');
      lock[Symbol.dispose]();
      wins++;
    }
    console.log(wins);`;
  const processes = Array.from({ length: 4 }, () =>
    execa(process.execPath, ['--input-type=module', '-e', script.replaceAll('\\\\n', '\\n')]),
  );
  const counts = (await Promise.all(processes)).map(({ stdout }) => Number(stdout));
  t.true(counts.reduce((sum, count) => sum + count, 0) > 0);
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  for (let index = 0; index < lines.length; index += 2)
    t.is(lines[index]!.replace('in', 'out'), lines[index + 1]!, `line ${index + 1}`);
});
