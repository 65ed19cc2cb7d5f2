import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, relative } from 'node:path';
import test from 'ava';
import { scratchDirectory } from '../../../src/store/scratch-directory.ts';
import { folder } from '../_helpers/repositories.ts';

/** Create a scratch directory with this TMPDIR, and return its parent. The tests are serial, since they set a variable of the process. */
async function parentOf(TMPDIR: string, fallback: string): Promise<string> {
  const before = process.env.TMPDIR;
  process.env.TMPDIR = TMPDIR;
  try {
    const made = await scratchDirectory('scratch-', [tmpdir(), fallback]);
    rmSync(made, { recursive: true });
    return dirname(made);
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
}

test.serial('the scratch directory is in TMPDIR, even with a space in its path', async t => {
  const here = join(folder(t), 'a b');
  mkdirSync(here);
  t.is(await parentOf(here, '/nowhere'), here);
});

test.serial('a relative TMPDIR becomes absolute', async t => {
  const here = folder(t);
  const made = await parentOf(relative(process.cwd(), here), '/nowhere');
  t.true(isAbsolute(made));
  t.is(made, here);
});

test.serial('the fallback is used if TMPDIR does not exist or is a file', async t => {
  const here = folder(t);
  const file = join(here, 'file');
  writeFileSync(file, '');
  t.is(await parentOf(join(here, 'gone'), here), here);
  t.is(await parentOf(file, here), here);
});

test.serial('the message names TMPDIR when no directory is writable', async t => {
  const here = folder(t);
  await t.throwsAsync(parentOf(join(here, 'gone'), join(here, 'lost')), {
    message: /gone\/scratch-.*lost\/scratch-.*\. Set TMPDIR to a writable directory/,
  });
});
