import fs, { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { RunEvent } from '../../../src/events.ts';
import { redactor } from '../../../src/secrets/redact.ts';
import { openJournal } from '../../../src/store/journal.ts';
import { readJournal, truncateTornLine } from '../../../src/store/read-journal.ts';

function file(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-journal-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return join(folder, 'journal.jsonl');
}

const control = /[\x00-\x08\x0b-\x1f\x7f-\x9f\p{Bidi_Control}\p{Cs}]/u;
const hostile = (text: string) =>
  `\x1b[31mred\x1b[0m \x1b]2;title\x07\u202e${text}\u2066\n\t\x9b2Jtwi\x7fce\x85\ud800`;
const stringsIn = (value: unknown): string[] =>
  typeof value === 'string'
    ? [value]
    : typeof value === 'object' && value !== null
      ? Object.values(value).flatMap(stringsIn)
      : [];

const cancel = (reason: string) => ({ type: 'run.cancel' as const, reason });

test('append writes events in order, with numbers, before it resolves', async t => {
  const path = file(t);
  const journal = openJournal(path, () => 42);
  await Promise.all([journal.append(cancel('a')), journal.append(cancel('b'))]);
  t.deepEqual(readJournal(path), {
    events: [
      { v: 1, seq: 1, at: 42, type: 'run.cancel', reason: 'a', checksum: 'd22ffc62' },
      { v: 1, seq: 2, at: 42, type: 'run.cancel', reason: 'b', checksum: '195d5936' },
    ],
    damage: [],
  });
  journal[Symbol.dispose]();
});

test('a changed line is dropped, and a line without a checksum may have only known keys', t => {
  const path = file(t);
  const plain = { v: 1, seq: 1, at: 42, ...cancel('a') };
  const lines = (...given: object[]) => given.map(line => `${JSON.stringify(line)}\n`).join('');
  writeFileSync(path, lines(plain, { ...plain, checksum: 'd22ffc62' }));
  t.deepEqual(readJournal(path).damage, []);
  for (const changed of [
    { ...plain, seq: 3, checksum: 'd22ffc62' },
    { ...plain, checksum: 'd22ffc6' },
    { ...plain, som: 'd22ffc62' },
    { checksum: 'd22ffc62', ...plain },
  ]) {
    writeFileSync(path, lines(changed, plain));
    t.is(readJournal(path).damage.length, 1, JSON.stringify(changed));
  }
});

test('strings of an event have no control characters, on disk and for listeners', async t => {
  const path = file(t);
  const journal = openJournal(path, () => 0);
  const received: RunEvent[] = [];
  journal.subscribe(event => received.push(event));
  const attempt = {
    type: 'attempt.ended' as const,
    agent: 'a',
    attempt: 1,
    status: 'failed' as const,
    exitCode: 1,
    error: { phase: 'running', kind: 'quota', message: hostile('message') },
    containerId: null,
    image: null,
    transcript: null,
    screen: hostile('screen'),
    blockedHosts: [hostile('host')],
  };
  await journal.append(attempt);
  await journal.append({ ...cancel('C:\\reports\\users'), type: 'run.cancel' });
  await journal.append({
    type: 'docker.call',
    call: 1,
    agent: null,
    attempt: null,
    argv: ['docker', hostile('argv')],
  });
  journal[Symbol.dispose]();
  const { events, damage } = readJournal(path);
  t.deepEqual(damage, []);
  t.deepEqual(events, received);
  const clean = (text: string) => `red ${text}\n\ttwice`;
  t.like(events[0], {
    error: { ...attempt.error, message: clean('message') },
    screen: clean('screen'),
    blockedHosts: [clean('host')],
  });
  t.like(events[1], { reason: 'C:\\reports\\users' });
  t.like(events[2], { argv: ['docker', clean('argv')] });
  // Control: the appended strings contain control characters.
  t.regex(JSON.parse(JSON.stringify(attempt)).screen, control);
  t.notRegex(events.flatMap(event => stringsIn(event)).join(''), control);
});

test('a secret that control characters split is redacted after their removal', async t => {
  const path = file(t);
  const { deep } = redactor(['canary-1234']);
  const journal = openJournal(path, () => 0, 1, deep);
  await journal.append(cancel('it is can\x1b[0mary\x7f-12\u202e34.'));
  journal[Symbol.dispose]();
  t.like(readJournal(path).events[0], { reason: 'it is [secret].' });
});

test('a secret that equals a keyword is redacted in messages only', async t => {
  const path = file(t);
  const keywords = [
    'docker',
    'create',
    'worker',
    'running',
    'agent.state',
    'timeout',
    '--label=tmux-agents.role=helper',
  ];
  const { deep } = redactor(keywords);
  const journal = openJournal(path, () => 0, 1, deep);
  const argv = ['docker', 'create', '--env=A=docker', '--env=B=worker', '--label=tmux-agents.role=helper'];
  await journal.append({ type: 'docker.call', call: 1, agent: 'worker', attempt: 1, argv });
  const result = {
    call: 1,
    ok: false,
    exitCode: null,
    ms: 1,
    interrupted: 'timeout' as const,
    stderr: 'docker: worker',
  };
  await journal.append({ type: 'docker.result', ...result });
  const error = { phase: 'running', kind: 'timeout', message: 'worker: timeout' };
  const ended = { status: 'failed' as const, exitCode: 1, error, containerId: null, image: null };
  await journal.append({
    type: 'attempt.ended',
    agent: 'worker',
    attempt: 1,
    ...ended,
    transcript: '/worker/t',
  });
  journal[Symbol.dispose]();
  const { events, damage } = readJournal(path);
  t.deepEqual(damage, []);
  t.like(events[0], {
    type: 'docker.call',
    agent: 'worker',
    argv: ['docker', 'create', '--env=A=[secret]', '--env=B=[secret]', argv[4]!],
  });
  t.like(events[1], { interrupted: 'timeout', stderr: '[secret]: [secret]' });
  t.like(events[2], {
    agent: 'worker',
    transcript: '/worker/t',
    error: { ...error, message: '[secret]: [secret]' },
  });
});

test('listeners receive every event at once, until they unsubscribe', async t => {
  const journal = openJournal(file(t), () => 0);
  const seen: number[] = [];
  const unsubscribe = journal.subscribe(({ seq }) => seen.push(seq));
  void journal.append(cancel('a'));
  t.deepEqual(seen, [1]);
  unsubscribe();
  await journal.append(cancel('b'));
  t.deepEqual(seen, [1]);
  journal[Symbol.dispose]();
});

test('appending after dispose is not an error, and has no effect', async t => {
  const path = file(t);
  const journal = openJournal(path, () => 0);
  journal[Symbol.dispose]();
  await t.notThrowsAsync(journal.append(cancel('late')));
  t.is(readFileSync(path, 'utf8'), '');
});

test('a torn last line of any length is dropped and reported', async t => {
  const path = file(t);
  const journal = openJournal(path, () => 0);
  await journal.append(cancel('a'));
  const firstLine = readFileSync(path);
  await journal.append(cancel('b'));
  const both = readFileSync(path);
  journal[Symbol.dispose]();
  for (let size = firstLine.length + 1; size < both.length; size++) {
    writeFileSync(path, both);
    truncateSync(path, size);
    const { events, damage } = readJournal(path);
    t.is(events.length, 1);
    t.regex(damage.join(), /last line is incomplete/);
  }
});

test('a damaged line in the middle is dropped and reported, and later lines are read', t => {
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

test('a journal that cannot be written rejects every append and emits no unwritten event', async t => {
  const journal = openJournal('/dev/full', () => 0);
  const emitted: unknown[] = [];
  journal.subscribe(event => emitted.push(event));
  await t.throwsAsync(journal.append(cancel('a')), { code: 'ENOSPC' });
  t.is((await journal.broken).message, 'ENOSPC: no space left on device, write');
  await t.throwsAsync(journal.append(cancel('b')), { code: 'ENOSPC' });
  t.deepEqual(emitted, []);
  journal[Symbol.dispose]();
});

test('a torn last line is truncated before more is appended', async t => {
  const path = file(t);
  const first = openJournal(path, () => 0);
  await first.append(cancel('a'));
  first[Symbol.dispose]();
  appendFileSync(path, '{"v":1,"seq":2,"at"');
  truncateTornLine(path);
  const second = openJournal(path, () => 0, 2);
  await second.append(cancel('b'));
  second[Symbol.dispose]();
  t.deepEqual(
    readJournal(path).events.map(({ seq }) => seq),
    [1, 2],
  );
  t.deepEqual(readJournal(path).damage, []);
});

/** Replace the sync of every journal until the end of the test, which is serial therefore. */
function replaceSync(t: ExecutionContext, sync: typeof fs.fdatasync) {
  const { fdatasync } = fs;
  fs.fdatasync = sync;
  syncBuiltinESMExports();
  t.teardown(() => {
    fs.fdatasync = fdatasync;
    syncBuiltinESMExports();
  });
}

test.serial('the events of one turn share one sync, and each is settled by it', async t => {
  const { fdatasync } = fs;
  let syncs = 0;
  replaceSync(t, ((fd, done) => {
    syncs++;
    fdatasync(fd, done);
  }) as typeof fdatasync);
  const journal = openJournal(file(t), () => 0);
  const state = journal.append(cancel('a'));
  // An actor of the new state journals its intent some promises later.
  const intent = Promise.resolve().then(() => journal.append(cancel('b')));
  await Promise.all([state, intent]);
  t.is(syncs, 1);
  await journal.append(cancel('c'));
  t.is(syncs, 2);
  journal[Symbol.dispose]();
});

test.serial('a failed sync also rejects the events that arrived during it', async t => {
  const begun = Promise.withResolvers<fs.NoParamCallback>();
  replaceSync(t, ((_fd, done) => begun.resolve(done)) as typeof fs.fdatasync);
  const journal = openJournal(file(t), () => 0);
  const first = journal.append(cancel('a'));
  const fail = await begun.promise;
  const second = journal.append(cancel('b'));
  fail(new Error('the disk is gone'));
  for (const { status } of await Promise.allSettled([first, second])) t.is(status, 'rejected');
  journal[Symbol.dispose]();
});

test('an append whose sync has not begun is settled by dispose', async t => {
  const journal = openJournal(file(t), () => 0);
  const written = journal.append(cancel('a'));
  journal[Symbol.dispose]();
  await t.notThrowsAsync(written);
});

test('appends that are on disk are settled a hundred at a time, so that other work is done in between', async t => {
  const journal = openJournal(file(t), () => 0);
  const first = journal.append(cancel('first'));
  const counts = { settled: 0, mostInTurn: 0, inTurn: 0 };
  const appends = Array.from({ length: 350 }, () => {
    const written = journal.append(cancel('more'));
    return written.then(() => {
      counts.settled++;
      counts.mostInTurn = Math.max(counts.mostInTurn, ++counts.inTurn);
    });
  });
  await first;
  while (counts.settled < appends.length) {
    await new Promise(resolve => setImmediate(resolve));
    counts.inTurn = 0;
  }
  // The loop sees each turn, or two of them where its own callback comes after theirs.
  t.true(counts.mostInTurn <= 200, String(counts.mostInTurn));
  journal[Symbol.dispose]();
});
