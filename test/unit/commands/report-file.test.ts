import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa, execaSync } from 'execa';
import { reportFile } from '../../../src/commands/reports/report-file.ts';
import { folder } from '../_helpers/repositories.ts';

/** Create a workspace with the path of a report, and a file of the user beside it. */
function desk(t: ExecutionContext) {
  const base = folder(t);
  const mine = join(base, 'mine');
  const workspace = join(base, 'workspace');
  mkdirSync(workspace);
  writeFileSync(mine, 'mine\n');
  return { base, mine, workspace, file: join(workspace, 'report.xml') };
}

test('a link that an agent puts in place of a report is replaced; a plain write follows it', t => {
  const { mine, file, workspace } = desk(t);
  const report = reportFile(file);
  symlinkSync(mine, file);
  report.write('report');
  t.is(readFileSync(mine, 'utf8'), 'mine\n');
  t.is(readFileSync(file, 'utf8'), 'report');
  t.false(lstatSync(file).isSymbolicLink());
  t.deepEqual(readdirSync(workspace), ['report.xml'], 'nothing is left beside it');
  symlinkSync(mine, `${file}.2`);
  writeFileSync(`${file}.2`, 'control');
  t.is(readFileSync(mine, 'utf8'), 'control');
});

test('a link that an agent puts in place of the directory is not followed; a plain write follows it', t => {
  const { base, workspace, file } = desk(t);
  const report = reportFile(file);
  mkdirSync(join(base, 'theirs'));
  renameSync(workspace, `${workspace}.was`);
  symlinkSync(join(base, 'theirs'), workspace);
  report.write('report');
  t.deepEqual(readdirSync(join(base, 'theirs')), []);
  t.is(readFileSync(join(`${workspace}.was`, 'report.xml'), 'utf8'), 'report');
  writeFileSync(file, 'control');
  t.deepEqual(readdirSync(join(base, 'theirs')), ['report.xml']);
});

test('a linked directory that an earlier run left below the working directory is refused', t => {
  const { base, workspace, mine } = desk(t);
  mkdirSync(join(base, 'theirs'));
  mkdirSync(join(workspace, 'deep/er'), { recursive: true });
  symlinkSync(join(base, 'theirs'), join(workspace, 'reports'));
  const linked = join(workspace, 'reports', 'report.xml');
  t.throws(() => reportFile(linked, workspace), {
    message: /reports is a symbolic link\. Name its target directory/,
  });
  t.throws(() => reportFile(linked, base), { message: /is a symbolic link/ });
  reportFile(join(workspace, 'deep/er/report.xml'), workspace).write('report');
  t.is(readFileSync(join(workspace, 'deep/er/report.xml'), 'utf8'), 'report');
  t.deepEqual(readdirSync(join(base, 'theirs')), []);
  reportFile(linked, join(base, 'theirs')).write('the control');
  t.deepEqual(readdirSync(join(base, 'theirs')), ['report.xml']);
  t.is(readFileSync(mine, 'utf8'), 'mine\n');
});

test('events go to a new file, whatever an earlier run left in its place', t => {
  const { mine, file } = desk(t);
  symlinkSync(mine, file);
  const fd = reportFile(file).open();
  writeSync(fd, 'events');
  closeSync(fd);
  t.is(readFileSync(mine, 'utf8'), 'mine\n');
  t.is(readFileSync(file, 'utf8'), 'events');
});

test('a summary is appended to its file, and never to the target of a link', t => {
  const { mine, file } = desk(t);
  writeFileSync(file, 'of a step before\n');
  const report = reportFile(file);
  report.append(size => `${size}\n`);
  t.is(readFileSync(file, 'utf8'), 'of a step before\n17\n');
  renameSync(file, `${file}.was`);
  symlinkSync(mine, file);
  t.throws(() => report.append(() => 'x'), { code: 'ELOOP' });
  t.is(readFileSync(mine, 'utf8'), 'mine\n');
});

test('devices, descriptors and named pipes are written to as they are', async t => {
  const { file } = desk(t);
  reportFile('/dev/null').write('x');
  t.true(lstatSync('/dev/null').isCharacterDevice());
  t.throws(() => reportFile('/dev/full').write('x'), { code: 'ENOSPC' });
  execaSync('mkfifo', [file]);
  const reader = execa('cat', [file]);
  reportFile(file).write('through the pipe');
  t.is((await reader).stdout, 'through the pipe');
  t.true(lstatSync(file).isFIFO());
  // A named pipe without a reader does not block.
  t.throws(() => reportFile(file).write('x'), { code: 'ENXIO' });
});

test('a report that cannot be written leaves nothing behind', t => {
  const { file, workspace } = desk(t);
  const report = reportFile(file);
  mkdirSync(join(file, 'full'), { recursive: true });
  t.throws(() => report.write('x'));
  t.deepEqual(readdirSync(workspace), ['report.xml']);
  t.true(existsSync(join(file, 'full')));
});
