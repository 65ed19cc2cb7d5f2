import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { isLock, lockHolder, takeLock } from '../../../src/engine/lock.ts';

function file(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-lock-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return join(folder, 'lock');
}

test('a lock that is held is not given twice, and names its holder', t => {
  const path = file(t);
  const lock = takeLock(path);
  t.true(isLock(lock));
  const second = takeLock(path);
  t.false(isLock(second));
  t.is((second as { pid: number }).pid, process.pid);
  if (isLock(lock)) lock[Symbol.dispose]();
  t.is(lockHolder(path), null);
  t.true(isLock(takeLock(path)));
});

const own = (t: ExecutionContext) => {
  const path = file(t);
  const lock = takeLock(path);
  if (!isLock(lock)) throw new Error('unreachable');
  return { path, holder: lock.holder };
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

test('a lock of another host is believed, since nobody here can tell', t => {
  const { path, holder } = own(t);
  writeFileSync(`${path}.1`, JSON.stringify({ ...holder, host: `not-${hostname()}`, pid: 2 ** 22 + 1 }));
  t.false(isLock(takeLock(path)));
});

test('the holder of a lock that somebody forged has a name that can be shown', t => {
  const { path, holder } = own(t);
  writeFileSync(`${path}.1`, JSON.stringify({ ...holder, host: 'h\x1b]0;title\x07\n::error::x' }));
  t.is(lockHolder(path)?.host, 'h ::error::x');
  writeFileSync(`${path}.1`, JSON.stringify({ ...holder, host: ['h'] }));
  t.is(lockHolder(path), null);
});

test('a lock file with nonsense in it holds nobody off', t => {
  const path = file(t);
  writeFileSync(`${path}.1`, 'nonsense');
  writeFileSync(`${path}.x`, 'more nonsense');
  t.true(isLock(takeLock(path)));
});

test('of many processes that come at one instant for the lock of a dead one, one at a time holds it', async t => {
  const path = file(t);
  writeFileSync(`${path}.1`, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname(), boot: '', started: '' }));
  const log = join(dirname(path), 'log');
  // Each goes for it again and again, and writes down when it has it and when it gives it back.
  const racer = `
    import { appendFileSync } from 'node:fs';
    import { isLock, takeLock } from ${JSON.stringify(join(import.meta.dirname, '../../../src/engine/lock.ts'))};
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
