import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { journalEvents, readJournal } from '../../../src/store/read-journal.ts';

function file(t: ExecutionContext, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-journal-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'journal.jsonl'), content);
  return join(folder, 'journal.jsonl');
}

const line = (seq: number, reason: string) =>
  `${JSON.stringify({ v: 1, seq, at: 42, type: 'run.cancel', reason })}\n`;

test('a journal of several chunks is read whole, with characters and lines that two chunks share', t => {
  // Lines of 700 kB, of characters of three bytes.
  const reasons = ['a', 'b', 'c', 'd', 'e'].map(letter => letter + '→'.repeat(233_333));
  const path = file(t, reasons.map((reason, at) => line(at + 1, reason)).join(''));
  const { events, damage } = readJournal(path);
  t.deepEqual(
    events.map(event => event.type === 'run.cancel' && event.reason),
    reasons,
  );
  t.deepEqual(damage, []);
});

test('an empty journal and a missing one have no events', t => {
  t.deepEqual(readJournal(file(t, '')), { events: [], damage: [] });
  t.deepEqual(readJournal('/does/not/exist'), { events: [], damage: [] });
});

test('damage is reported with the number of lines, after the events', t => {
  const path = file(t, `${line(1, 'a')}broken\n${line(2, 'b')}{"v":1,"to`);
  const { events, damage } = readJournal(path);
  t.deepEqual(
    events.map(({ seq }) => seq),
    [1, 2],
  );
  t.deepEqual(damage, [
    `${path}: line 2 of 3 cannot be read and was left out`,
    `${path}: the last line is incomplete and was dropped`,
  ]);
});

test('a journal is read no further than its reader goes', t => {
  const path = file(t, Array.from({ length: 5 }, (_, at) => line(at + 1, 'a')).join(''));
  for (const { seq } of journalEvents(path)) {
    t.is(seq, 1);
    break;
  }
});
