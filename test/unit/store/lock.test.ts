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

test('a lock that is held cannot be taken, and its holder is returned', t => {
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

const own = (t: ExecutionContext) => {
  const path = file(t);
  const lock = takeLock(path);
  if (!isLock(lock)) throw new Error('unreachable');
  return { path, lock, holder: ownIdentity() };
};

for (const [title, change] of [
  ['of a process that is gone', { pid: 2 ** 22 + 1 }],
  ['of a pid that is used again by another process', { started: '1' }],
  ['from before a reboot', { boot: 'another' }],
] as const)
  test(`a lock ${title} is taken over`, t => {
    const { path, holder } = own(t);
    writeFileSync(`${path}.1`, JSON.stringify({ ...holder, ...change }));
    t.is(lockHolder(path), null);
    t.true(isLock(takeLock(path)));
    t.deepEqual(readdirSync(dirname(path)), ['lock.2']);
  });

test('a lock of another host counts as held, since its process cannot be checked', t => {
  const { path, holder } = own(t);
  writeFileSync(`${path}.1`, JSON.stringify({ ...holder, host: `not-${hostname()}`, boot: 'theirs' }));
  t.false(isLock(takeLock(path)));
});

/** Its holder cannot be judged from here. */
const foreign = (holder: Identity): Identity => ({ ...holder, namespace: 'pid:[1]', pid: 1 });

test('a lock whose holder may be alive is taken over with force only', t => {
  const { path, holder } = own(t);
  writeFileSync(`${path}.1`, JSON.stringify(foreign(holder)));
  t.regex((takeLock(path) as Holder).doubt!, /another pid namespace/);
  t.true(isLock(takeLock(path, { force: true })));
  t.deepEqual(readdirSync(dirname(path)), ['lock.2']);
});

test('a lock whose holder is known to be alive is not taken over, even with force', t => {
  const { path } = own(t);
  t.like(takeLock(path, { force: true }), { doubt: null });
  t.deepEqual(readdirSync(dirname(path)), ['lock.1']);
});

test('one of two processes that force a lock at once gets it, whether or not they can check each other', t => {
  for (const change of [(holder: Identity) => holder, foreign]) {
    const { path, holder } = own(t);
    writeFileSync(`${path}.1`, JSON.stringify({ ...foreign(holder), pid: 2 }));
    let isFirst = true;
    const lock = takeLock(path, {
      force: true,
      link(from, to) {
        // The other one is a moment earlier.
        if (isFirst) writeFileSync(`${path}.2`, JSON.stringify(change(holder)));
        isFirst = false;
        linkSync(from, to);
      },
    });
    t.false(isLock(lock));
  }
});

test('a lock whose file was removed is not held any more, and its replacement is left alone', async t => {
  const { path, lock } = own(t);
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
  const { path, lock } = own(t);
  rmSync(dirname(path), { recursive: true });
  t.false(lock.isHeld());
  t.is(lockHolder(path), null);
  t.notThrows(() => lock[Symbol.dispose]());
  mkdirSync(dirname(path));
});

test('a link whose response a network file system has lost counts as made', t => {
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
  test(`a file system whose link fails with ${code} has locks as well`, t => {
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

test('a lock file with invalid content blocks no process', t => {
  const path = file(t);
  writeFileSync(`${path}.1`, 'nonsense');
  writeFileSync(`${path}.x`, 'more nonsense');
  t.true(isLock(takeLock(path)));
});

test('one at a time of many processes that take over the lock of a dead one at once holds it', async t => {
  const path = file(t);
  writeFileSync(`${path}.1`, JSON.stringify({ ...ownIdentity(), pid: 2 ** 22 + 1 }));
  const log = join(dirname(path), 'log');
  // Each goes for it again and again, and writes down when it has it and when it gives it back.
  const racer = `
    import { appendFileSync } from 'node:fs';
    import { isLock, takeLock } from ${JSON.stringify(join(import.meta.dirname, '../../../src/store/lock.ts'))};
    let won = 0;
    for (let tries = 0; tries < 400; tries++) {
      const lock = takeLock(${JSON.stringify(path)});
      if (!isLock(lock)) continue;
      appendFileSync(${JSON.stringify(log)}, 'in ' + process.pid + '\\n');
      appendFileSync(${JSON.stringify(log)}, 'out ' + process.pid + '\\n');
      lock[Symbol.dispose]();
      won++;
    }
    console.log(won);`;
  const racers = Array.from({ length: 4 }, () =>
    execa(process.execPath, ['--input-type=module', '-e', racer.replaceAll('\\\\n', '\\n')]),
  );
  const wins = (await Promise.all(racers)).map(({ stdout }) => Number(stdout));
  t.true(wins.reduce((sum, won) => sum + won, 0) > 0);
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  for (let index = 0; index < lines.length; index += 2)
    t.is(lines[index]!.replace('in', 'out'), lines[index + 1]!, `line ${index + 1}`);
});
