import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execaSync } from 'execa';
import { UsageError } from '../../../src/errors.ts';
import { openDirectory, watchDirectory } from '../../../src/store/directory-handle.ts';
import { openJournal } from '../../../src/store/journal.ts';
import { takeLock } from '../../../src/store/lock.ts';
import { readJournal } from '../../../src/store/read-journal.ts';
import { writeRequest } from '../../../src/store/requests.ts';
import { openStateDir, sharedReason } from '../../../src/store/state-directory.ts';
import { holdFile, openFile, readFile, removeFile } from '../../../src/store/state-files.ts';
import { writeFileAtomic } from '../../../src/store/write-file-atomic.ts';
import { transcriptIn } from '../../../src/transcript/transcript.ts';
import { folder } from '../_helpers/repositories.ts';

/** Create a state directory with one run, and a file of the user outside it. */
function fixture(t: ExecutionContext) {
  const base = folder(t);
  const path = join(base, 'above', 'state');
  const state = openStateDir(path);
  const run = state.run('r1234567');
  mkdirSync(run.path, { mode: 0o700 });
  const mine = join(base, 'mine');
  writeFileSync(mine, 'mine\n');
  return { base, path, state, run, mine };
}

type Fixture = ReturnType<typeof fixture>;

/** Writes of the supervisor to a file of the state directory. */
const accesses: Readonly<
  Record<string, readonly [file: (fixture: Fixture) => string, write: (fixture: Fixture) => void]>
> = {
  'the journal': [({ run }) => run.journal, ({ run }) => openJournal(run.journal, () => 0)],
  'a transcript': [({ run }) => run.transcript('a', 1), ({ run }) => holdFile(run.transcript('a', 1))],
};

for (const [what, [file, write]] of Object.entries(accesses))
  test(`${what} that is a link to a file of the user is refused`, t => {
    const created = fixture(t);
    mkdirSync(join(file(created), '..'), { recursive: true, mode: 0o700 });
    symlinkSync(created.mine, file(created));
    t.throws(() => write(created), { message: /is a symbolic link, which is never followed/ });
    t.is(readFileSync(created.mine, 'utf8'), 'mine\n');
    writeFileSync(file(created), 'control');
    t.is(readFileSync(created.mine, 'utf8'), 'control');
  });

test('a file that is a link is not read', t => {
  const { run, mine } = fixture(t);
  symlinkSync(mine, run.journal);
  t.throws(() => readJournal(run.journal), { message: /is a symbolic link/ });
  symlinkSync(mine, run.result);
  t.throws(() => readFile(run.result), { message: new RegExp(`${run.result} is a symbolic link`) });
  t.is(readFileSync(run.result, 'utf8'), 'mine\n');
  const transcript = run.transcript('a', 1);
  mkdirSync(join(transcript, '..'), { recursive: true, mode: 0o700 });
  symlinkSync(mine, transcript);
  t.is(transcriptIn(transcript, 'n'), null);
});

test('a link in place of a file that is written atomically is replaced, not followed', t => {
  const { run, mine } = fixture(t);
  symlinkSync(mine, run.result);
  writeFileAtomic(run.result, 'new');
  t.is(readFileSync(mine, 'utf8'), 'mine\n');
  t.is(readFileSync(run.result, 'utf8'), 'new');
});

test('a link to a directory in the state directory is not followed', t => {
  const { base, run } = fixture(t);
  mkdirSync(join(base, 'theirs'));
  symlinkSync(join(base, 'theirs'), run.requests);
  t.throws(() => writeRequest(run.requests, { stop: null }));
  symlinkSync(join(base, 'theirs'), join(run.path, 'agents'));
  t.throws(() => holdFile(run.transcript('a', 1)));
  t.false(existsSync(join(base, 'theirs', 'a')));
  writeFileSync(join(base, 'theirs', 'kept'), '');
  removeFile(join(run.path, 'agents'));
  t.true(existsSync(join(base, 'theirs', 'kept')), 'the link is removed, not its target');
});

test('an open state directory is used even after its parent is renamed', t => {
  const { base, path, run } = fixture(t);
  renameSync(join(base, 'above'), join(base, 'moved'));
  mkdirSync(join(path, 'runs', run.runId), { recursive: true });
  writeFileAtomic(run.result, 'of the engine');
  takeLock(run.lock);
  t.true(existsSync(join(base, 'moved', 'state', 'runs', run.runId, 'result.json')));
  t.false(existsSync(run.result), 'nothing is written to the new directory');
  writeFileSync(run.result, 'forged');
  t.is(readFile(run.result).toString(), 'of the engine');
  t.throws(() => openStateDir(path), { instanceOf: UsageError, message: /replaced by another directory/ });
});

test('a FIFO in place of a file does not block the supervisor', t => {
  const { run } = fixture(t);
  execaSync('mkfifo', [run.journal, run.runFile]);
  t.throws(() => openFile(run.journal, 'r'), { message: /not a regular file/ });
  t.throws(() => openFile(run.runFile, 'a'));
});

test('a state directory that others can write or own is refused with a hint', t => {
  const path = join(folder(t), 'state');
  openStateDir(path);
  for (const mode of [0o770, 0o702, 0o1777]) {
    chmodSync(path, mode);
    const error = t.throws(() => openStateDir(path), {
      instanceOf: UsageError,
      message: /chmod 700.*--state-dir/,
    });
    t.is(error.exitCode, 2);
  }
  chmodSync(path, 0o755);
  t.notThrows(() => openStateDir(path), 'read access of others is allowed');
  chmodSync(join(path, 'runs'), 0o777);
  t.throws(() => openStateDir(path), { message: /runs is unsafe: others can write/ });
  const own = process.getuid!();
  t.is(sharedReason({ uid: own, mode: 0o40700 }), null);
  t.regex(sharedReason({ uid: own + 1, mode: 0o40700 })!.reason, /belongs to user/);
});

test('a state directory whose id is damaged is refused, and not given another one', t => {
  const path = join(folder(t), 'state');
  const { instance } = openStateDir(path);
  t.regex(instance, /^[a-z0-9]{16}$/);
  t.is(openStateDir(path).instance, instance);
  for (const content of ['', 'other\n']) {
    writeFileSync(join(path, 'instance'), content);
    t.throws(() => openStateDir(path), {
      instanceOf: UsageError,
      message: /instance does not contain its id/,
    });
    t.is(readFileSync(join(path, 'instance'), 'utf8'), content);
  }
});

test('a state directory that is a link is resolved before it is checked', t => {
  const base = folder(t);
  mkdirSync(join(base, 'disk', 'state'), { recursive: true, mode: 0o700 });
  symlinkSync(join(base, 'disk'), join(base, 'link'));
  t.is(openStateDir(join(base, 'link', 'state')).path, join(base, 'disk', 'state'));
  symlinkSync(join(base, 'disk', 'state'), join(base, 'itself'));
  t.is(openStateDir(join(base, 'itself')).path, join(base, 'disk', 'state'));
});

test('an invalid run id is refused', t => {
  const { state } = fixture(t);
  for (const id of ['..', 'r12/4567', '', 'R1234567', 'r1234567\n'])
    t.throws(() => state.run(id), { instanceOf: UsageError });
});

for (const [name, open] of Object.entries({ openDirectory, watchDirectory }))
  test(`${name}: neither a replaced directory nor a link is followed`, t => {
    const base = folder(t);
    mkdirSync(join(base, 'a', 'b'), { recursive: true });
    symlinkSync(base, join(base, 'a', 'link'));
    const handle = open(join(base, 'a'));
    t.throws(() => handle.open('link').entry('x'));
    t.throws(() => handle.entry('..'));
    const inner = handle.open('b');
    t.notThrows(() => writeFileSync(inner.entry('x'), ''));
    renameSync(join(base, 'a'), join(base, 'c'));
    mkdirSync(join(base, 'a', 'b'), { recursive: true });
    const write = () => closeSync(openFile(inner.entry('y'), 'w'));
    if (name === 'openDirectory') t.notThrows(write);
    else t.throws(write);
    t.false(existsSync(join(base, 'a', 'b', 'y')));
    for (const each of [inner, handle]) each[Symbol.dispose]();
  });
