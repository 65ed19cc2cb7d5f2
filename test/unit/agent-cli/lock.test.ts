import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { LockTimeoutError, withLock } from '../../../src/agent-cli/lock.ts';
import { ownProcess } from '../../../src/agent-cli/process-identity.ts';

const worker = join(import.meta.dirname, '../_helpers/lock-worker.ts');

function place(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-turns-lock-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'count');
  writeFileSync(file, '0');
  const lock = join(folder, 'lock');
  const start = (times: number | 'hold') =>
    execa(process.execPath, [worker, lock, file, String(times)], { timeout: 120_000, reject: false });
  const counted = () => Number(readFileSync(file, 'utf8'));
  const others = () => readdirSync(folder).filter(name => name !== 'count');
  return { lock, start, counted, others };
}

/** Start a process, and wait until it holds the lock. */
async function holding({ start }: ReturnType<typeof place>) {
  const holder = start('hold');
  await once(holder.stdout, 'data');
  return { holder };
}

test('several processes that count in one file lose no count, and leave no lock', async t => {
  const { start, counted, others } = place(t);
  const ended = await Promise.all(Array.from({ length: 5 }, () => start(40)));
  t.deepEqual(
    ended.map(({ exitCode }) => exitCode),
    [0, 0, 0, 0, 0],
  );
  t.is(counted(), 200);
  t.deepEqual(others(), []);
});

test('waiting processes get the lock one by one after its holder is killed', async t => {
  const here = place(t);
  const { holder } = await holding(here);
  const waiting = Array.from({ length: 5 }, () => here.start(20));
  holder.kill('SIGKILL');
  await holder;
  t.deepEqual(
    (await Promise.all(waiting)).map(({ exitCode }) => exitCode),
    [0, 0, 0, 0, 0],
  );
  t.is(here.counted(), 100);
  t.deepEqual(here.others(), []);
});

test('a live holder keeps its lock even if it is stopped, and a wait for it times out', async t => {
  const here = place(t);
  const { holder } = await holding(here);
  holder.kill('SIGSTOP');
  const held = readlinkSync(here.lock);
  const error = t.throws(() => withLock(here.lock, () => t.fail(), 200), { instanceOf: LockTimeoutError });
  t.is(error?.message, `process ${holder.pid} has held ${here.lock} for 0.2 s`);
  t.is(readlinkSync(here.lock), held);
  t.deepEqual(here.others(), ['lock']);
  holder.kill('SIGKILL');
  await holder;
  t.is(
    withLock(here.lock, () => 'done', 200),
    'done',
  );
});

const [pid, start] = ownProcess().split('.');
for (const [title, holder] of [
  ['whose process is gone', `${2 ** 22 + 1}.1.aa`],
  ['whose pid is used again by another process', `${pid}.${Number(start) + 1}.aa`],
] as const)
  test(`a holder ${title} is replaced`, t => {
    const { lock, others } = place(t);
    symlinkSync(holder, lock);
    t.is(
      withLock(lock, () => readlinkSync(lock).replace(/\w+$/, ''), 200),
      `${pid}.${start}.`,
    );
    t.deepEqual(others(), []);
  });

test('a process that is killed while it replaces a holder is replaced as well', t => {
  const { lock, others } = place(t);
  const [gone, replacer] = [`${2 ** 22 + 1}.1.aa`, `${2 ** 22 + 2}.1.bb`];
  symlinkSync(gone, lock);
  symlinkSync(replacer, `${lock}-${gone}`);
  t.is(
    withLock(lock, () => 'done', 200),
    'done',
  );
  t.deepEqual(others(), []);
});

test('a holder is not replaced while another live process replaces it', t => {
  const { lock, others } = place(t);
  const gone = `${2 ** 22 + 1}.1.aa`;
  symlinkSync(gone, lock);
  symlinkSync(`${pid}.${start}.bb`, `${lock}-${gone}`);
  t.throws(() => withLock(lock, () => t.fail(), 100), { instanceOf: LockTimeoutError });
  t.deepEqual(others(), ['lock', `lock-${gone}`]);
});

test('a path that is not a lock is left alone, and a wait for it times out', t => {
  const { lock, others } = place(t);
  mkdirSync(lock);
  t.throws(() => withLock(lock, () => t.fail(), 50), { message: /^another process has held .* for 0.05 s$/ });
  t.deepEqual(others(), ['lock']);
});

test('the lock is released if the work throws, and a missing directory is an error at once', t => {
  const { lock, others } = place(t);
  const fail = () => {
    throw new Error('it failed');
  };
  t.throws(() => withLock(lock, fail, 200), { message: 'it failed' });
  t.deepEqual(others(), []);
  t.throws(() => withLock(join(lock, 'missing'), () => t.fail(), 200), { code: 'ENOENT' });
});
