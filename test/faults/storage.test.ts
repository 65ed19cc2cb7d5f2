import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { FlowError } from '../../src/errors.ts';
import type { RunEventBody } from '../../src/events.ts';
import { openJournal } from '../../src/store/journal.ts';
import { isLock, lockHolder, takeLock } from '../../src/store/lock.ts';
import { readJournal, truncateTornLine } from '../../src/store/read-journal.ts';
import { readRunFile } from '../../src/store/run-file.ts';
import { openStateDir } from '../../src/store/state-directory.ts';
import { writeFileAtomic } from '../../src/store/write-file-atomic.ts';
import { errno, errnos, failing, replace, syncedOnly } from './storage-disk.ts';
import { cell } from './tally.ts';

/** Block H: disk failures while a run is recorded. They need no engine. */

const folder = (t: ExecutionContext) => {
  const path = mkdtempSync(join(tmpdir(), 'agent-flow-storage-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

/** The end of a run, of which any record may be the last on disk. */
const failure = { phase: 'running', kind: 'exit', message: 'exited with 7 — “é”', exitCode: 7 };
const ends: readonly RunEventBody[] = [
  { type: 'run.cancel', reason: 'SIGINT' },
  { type: 'docker.result', call: 9, ok: true, exitCode: 0, ms: 12, interrupted: null, stderr: '' },
  {
    type: 'attempt.ended',
    agent: 'a',
    attempt: 1,
    status: 'failed',
    exitCode: 7,
    error: failure,
    containerId: 'c0ffee',
    image: null,
    transcript: null,
  },
  { type: 'docker.call', call: 10, agent: 'a', attempt: 1, argv: ['docker', 'rm', '--force', 'c0ffee'] },
  { type: 'run.ended', status: 'failed', exitCode: 1 },
];

async function written(t: ExecutionContext) {
  const file = join(folder(t), 'journal.jsonl');
  const journal = openJournal(file, () => 1767355200000);
  for (const event of ends) await journal.append(event);
  journal[Symbol.dispose]();
  const bytes = readFileSync(file);
  const lines = bytes.toString().split('\n').slice(0, -1);
  const lastThree = bytes.length - Buffer.byteLength(lines.slice(-3).join('\n')) - 1;
  return { file, bytes, events: readJournal(file).events, lastThree };
}

cell(
  {
    block: 'H',
    fault: 'cut short',
    title: 'a journal cut at any byte of its last three records is read up to the cut, and continues',
  },
  async t => {
    const { file, bytes, events, lastThree } = await written(t);
    t.is(events.length, ends.length);
    for (let size = lastThree; size < bytes.length; size++) {
      writeFileSync(file, bytes);
      truncateSync(file, size);
      const whole = bytes.subarray(0, size).toString().split('\n').length - 1;
      const isTorn = bytes[size - 1] !== 0x0a;
      const read = readJournal(file);
      t.deepEqual(read.events, events.slice(0, whole));
      t.is(read.damage.length, isTorn ? 1 : 0, `cut at ${size}`);

      truncateTornLine(file);
      const journal = openJournal(file, () => 0, whole + 1);
      await journal.append(ends[0]!);
      journal[Symbol.dispose]();
      const again = readJournal(file);
      t.deepEqual(again.damage, []);
      t.is(again.events.length, whole + 1);
    }
  },
);

cell(
  {
    block: 'H',
    fault: 'flipped bits',
    title: 'a flipped bit in the last three records is noticed, and no false record is read',
  },
  async t => {
    const { file, bytes, events, lastThree } = await written(t);
    const known = new Set(events.map(event => JSON.stringify(event)));
    for (let at = lastThree; at < bytes.length; at++)
      for (let bit = 0; bit < 8; bit++) {
        const flipped = Buffer.from(bytes);
        flipped[at]! ^= 1 << bit;
        writeFileSync(file, flipped);
        const read = readJournal(file);
        const false_ = read.events.filter(event => !known.has(JSON.stringify(event)));
        if (read.damage.length === 0 || false_.length > 0 || read.events.length < events.length - 2)
          t.fail(
            `bit ${bit} of byte ${at} (${JSON.stringify(String.fromCharCode(bytes[at]!))}) was accepted`,
          );
      }
    t.pass();
  },
);

cell(
  {
    block: 'H',
    fault: 'noise',
    title: 'an empty journal, one of zeros and one of noise are read without a crash',
  },
  t => {
    const file = join(folder(t), 'journal.jsonl');
    for (const [bytes, damage] of [
      [Buffer.alloc(0), 0],
      [Buffer.alloc(4096), 1],
      [Buffer.from('\xff\xfe\n\n{}\nnull\n[]\n"x"\n', 'latin1'), 6],
    ] as const) {
      writeFileSync(file, bytes);
      t.deepEqual(readJournal(file).events, []);
      t.is(readJournal(file).damage.length, damage);
    }
  },
);

for (const code of errnos)
  for (const name of ['writeSync', 'fdatasync'] as const)
    for (const nth of [1, 2, 3])
      for (const forever of [false, true])
        cell(
          {
            block: 'H',
            fault: 'disk errors',
            title: `a journal whose ${name} ${nth} fails with ${code}${forever ? ' forever' : ' once'} is closed`,
          },
          async t => {
            const file = join(folder(t), 'journal.jsonl');
            const journal = openJournal(file, () => 0);
            const restore = failing(t, name, code, nth, forever);
            const results = [];
            for (const event of ends)
              results.push(await journal.append(event).catch((error: Error) => error));
            // Nothing counts as written after a failure, even if the disk works again.
            t.deepEqual(results.slice(0, nth - 1), Array(nth - 1).fill(undefined));
            for (const result of results.slice(nth - 1)) t.like(result, { code });
            t.like(await journal.broken, { code });
            restore();
            journal[Symbol.dispose]();
            const { events } = readJournal(file);
            t.true(events.length >= nth - 1 && events.length <= nth);
          },
        );

cell(
  {
    block: 'H',
    fault: 'disk errors',
    title: 'a failed sync rejects every waiting record, and the next sync does not save them',
  },
  async t => {
    const journal = openJournal(join(folder(t), 'journal.jsonl'), () => 0);
    failing(t, 'fdatasync', 'EIO', 1, false);
    const both = [journal.append(ends[0]!), journal.append(ends[1]!)];
    for (const { status } of await Promise.allSettled(both)) t.is(status, 'rejected');
    journal[Symbol.dispose]();
  },
);

cell(
  {
    block: 'H',
    fault: 'cut short',
    title: 'a partially written record is torn, and nothing follows it',
  },
  async t => {
    const file = join(folder(t), 'journal.jsonl');
    const journal = openJournal(file, () => 0);
    await journal.append(ends[0]!);
    const half = replace(t, 'writeSync', real => (fd, bytes: Buffer, from) => {
      if (from > 0) throw errno('ENOSPC');
      return real(fd, bytes.subarray(0, 20));
    });
    await t.throwsAsync(journal.append(ends[1]!), { code: 'ENOSPC' });
    half();
    await t.throwsAsync(journal.append(ends[2]!), { code: 'ENOSPC' });
    journal[Symbol.dispose]();
    t.is(readJournal(file).events.length, 1);
    t.regex(readJournal(file).damage.join(), /last line is incomplete/);
  },
);

cell(
  {
    block: 'H',
    fault: 'loss of power',
    title: 'a confirmed append survives a loss of power, from the first record on',
  },
  async t => {
    const disk = syncedOnly(t);
    const file = join(folder(t), 'journal.jsonl');
    const journal = openJournal(file, () => 0);
    for (const [index, event] of ends.entries()) {
      await journal.append(event);
      const left = disk.after(file);
      t.not(left, null, 'the journal itself is gone');
      t.is(left!.trimEnd().split('\n').length, index + 1);
    }
    journal[Symbol.dispose]();
  },
);

cell(
  {
    block: 'H',
    fault: 'loss of power',
    title: 'an atomically written file survives a loss of power completely',
  },
  t => {
    const disk = syncedOnly(t);
    const file = join(folder(t), 'result.json');
    for (const content of ['first', 'the second']) {
      writeFileAtomic(file, content);
      t.is(disk.after(file), content);
    }
  },
);

for (const code of errnos)
  for (const name of ['openSync', 'writeFileSync', 'fsyncSync', 'renameSync'] as const)
    cell(
      {
        block: 'H',
        fault: 'disk errors',
        title: `a file whose ${name} fails with ${code} is unchanged, and no other file is left`,
      },
      t => {
        const path = folder(t);
        const file = join(path, 'run.json');
        writeFileAtomic(file, 'before');
        const restore = failing(t, name, code, 1, false);
        t.throws(() => writeFileAtomic(file, 'after'), { code });
        restore();
        t.is(readFileSync(file, 'utf8'), 'before');
        t.deepEqual(readdirSync(path), ['run.json']);
      },
    );

for (const code of errnos)
  for (const name of ['writeFileSync', 'linkSync'] as const)
    cell(
      {
        block: 'H',
        fault: 'disk errors',
        title: `a lock whose ${name} fails with ${code} is not taken, and no file of it is left`,
      },
      t => {
        const path = folder(t);
        const restore = failing(t, name, code, 1, false);
        t.throws(() => takeLock(join(path, 'lock')), { code });
        restore();
        t.deepEqual(readdirSync(path), []);
        const lock = takeLock(join(path, 'lock'));
        t.true(isLock(lock));
      },
    );

for (const code of ['EIO', 'ESTALE', 'EACCES'])
  cell(
    {
      block: 'H',
      fault: 'disk errors',
      title: `a lock that cannot be read because of ${code} is respected, and yields to force`,
    },
    t => {
      const path = folder(t);
      takeLock(join(path, 'lock'));
      const file = join(path, 'lock.1');
      const restore = replace(t, 'openSync', real => (given, ...more) => {
        if (basename(String(given)) === basename(file)) throw errno(code);
        return real(given, ...more);
      });
      t.like(takeLock(join(path, 'lock')), { identity: null });
      t.regex(lockHolder(join(path, 'lock'))!.doubt!, new RegExp(`cannot be read: ${code}`));
      t.true(isLock(takeLock(join(path, 'lock'), { force: true })));
      restore();
      t.deepEqual(readdirSync(path), ['lock.2']);
    },
  );

cell({ block: 'H', fault: 'cut short', title: 'a lock cut at any byte has no holder' }, t => {
  const path = folder(t);
  takeLock(join(path, 'lock'));
  const file = join(path, readdirSync(path)[0]!);
  const bytes = readFileSync(file);
  for (let size = 0; size < bytes.length - 1; size++) {
    writeFileSync(file, bytes.subarray(0, size));
    t.is(lockHolder(join(path, 'lock')), null);
  }
});

cell(
  {
    block: 'H',
    fault: 'cut short',
    title: 'a run file cut at any byte is refused with a hint',
  },
  t => {
    const run = openStateDir(folder(t)).run('rabcdefg');
    const plan = { agents: [{ name: 'a' }] };
    const text = JSON.stringify({ version: 1, runId: run.runId, secret: 's', plan });
    rmSync(run.path, { recursive: true, force: true });
    const here = { ...run, runFile: join(folder(t), 'run.json') };
    for (let size = 0; size < text.length; size++) {
      writeFileSync(here.runFile, text.slice(0, size));
      const error = t.throws(() => readRunFile(here), { instanceOf: FlowError });
      t.is(error.exitCode, 2);
    }
  },
);
