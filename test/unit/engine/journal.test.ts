import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { mendJournal, openJournal, readJournal } from '../../../src/engine/journal.ts';

function file(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-journal-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return join(folder, 'journal.jsonl');
}

const cancel = (reason: string) => ({ type: 'run.cancel' as const, reason });

test('what was appended is on disk when append resolves, in order and numbered', async t => {
  const path = file(t);
  const journal = openJournal(path, () => 42);
  await Promise.all([journal.append(cancel('a')), journal.append(cancel('b'))]);
  t.deepEqual(readJournal(path), {
    events: [
      { v: 1, seq: 1, at: 42, type: 'run.cancel', reason: 'a', sum: 'd22ffc62' },
      { v: 1, seq: 2, at: 42, type: 'run.cancel', reason: 'b', sum: '195d5936' },
    ],
    damage: [],
  });
  journal[Symbol.dispose]();
});

test('a line is as it was written, or it is left out; one without a checksum holds only what we know', t => {
  const path = file(t);
  const plain = { v: 1, seq: 1, at: 42, ...cancel('a') };
  const lines = (...given: object[]) => given.map(line => `${JSON.stringify(line)}\n`).join('');
  writeFileSync(path, lines(plain, { ...plain, sum: 'd22ffc62' }));
  t.deepEqual(readJournal(path).damage, []);
  for (const changed of [
    { ...plain, seq: 3, sum: 'd22ffc62' },
    { ...plain, sum: 'd22ffc6' },
    { ...plain, som: 'd22ffc62' },
    { sum: 'd22ffc62', ...plain },
  ]) {
    writeFileSync(path, lines(changed, plain));
    t.is(readJournal(path).damage.length, 1, JSON.stringify(changed));
  }
});

test('listeners are told every event at once, until they leave', async t => {
  const journal = openJournal(file(t), () => 0);
  const seen: number[] = [];
  const leave = journal.subscribe(({ seq }) => seen.push(seq));
  void journal.append(cancel('a'));
  t.deepEqual(seen, [1]);
  leave();
  await journal.append(cancel('b'));
  t.deepEqual(seen, [1]);
  journal[Symbol.dispose]();
});

test('appending after the end is no error: what comes late has nobody to tell', async t => {
  const path = file(t);
  const journal = openJournal(path, () => 0);
  journal[Symbol.dispose]();
  await t.notThrowsAsync(journal.append(cancel('late')));
  t.is(readFileSync(path, 'utf8'), '');
});

test('a last line that a crash tore is dropped and said so, wherever the tear is', async t => {
  const path = file(t);
  const journal = openJournal(path, () => 0);
  await journal.append(cancel('a'));
  const whole = readFileSync(path);
  await journal.append(cancel('b'));
  const both = readFileSync(path);
  journal[Symbol.dispose]();
  for (let size = whole.length + 1; size < both.length; size++) {
    writeFileSync(path, both);
    truncateSync(path, size);
    const { events, damage } = readJournal(path);
    t.is(events.length, 1);
    t.regex(damage.join(), /last line is incomplete/);
  }
});

test('a damaged line in the middle is left out and named, and what follows is read', t => {
  const path = file(t);
  const line = (seq: number) => `${JSON.stringify({ v: 1, seq, at: 0, ...cancel('x') })}\n`;
  for (const bad of [
    '{"v":1,"seq":2}\n',
    'noise\n',
    '{"v":2,"seq":2,"at":0,"type":"run.cancel","reason":"x"}\n',
  ]) {
    writeFileSync(path, line(1));
    appendFileSync(path, bad);
    appendFileSync(path, line(3));
    const { events, damage } = readJournal(path);
    t.deepEqual(
      events.map(({ seq }) => seq),
      [1, 3],
    );
    t.regex(damage.join(), /line 2 of 3/);
  }
});

test('a journal that cannot be written says so once and for all, and tells nobody of what it has not written', async t => {
  const journal = openJournal('/dev/full', () => 0);
  const told: unknown[] = [];
  journal.subscribe(event => told.push(event));
  await t.throwsAsync(journal.append(cancel('a')), { code: 'ENOSPC' });
  t.is((await journal.broken).message, 'ENOSPC: no space left on device, write');
  await t.throwsAsync(journal.append(cancel('b')), { code: 'ENOSPC' });
  t.deepEqual(told, []);
  journal[Symbol.dispose]();
});

test('a torn last line is taken away before more is appended', async t => {
  const path = file(t);
  const first = openJournal(path, () => 0);
  await first.append(cancel('a'));
  first[Symbol.dispose]();
  appendFileSync(path, '{"v":1,"seq":2,"at"');
  mendJournal(path);
  const second = openJournal(path, () => 0, 2);
  await second.append(cancel('b'));
  second[Symbol.dispose]();
  t.deepEqual(
    readJournal(path).events.map(({ seq }) => seq),
    [1, 2],
  );
  t.deepEqual(readJournal(path).damage, []);
});
