import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, relative } from 'node:path';
import test from 'ava';
import { scratchDirectory } from '../../../src/store/scratch-directory.ts';
import { folder } from '../_helpers/repositories.ts';

/** Make one with this TMPDIR, and return where it was made. All serial: the variable is one for the process. */
async function placeOf(TMPDIR: string, fallback: string): Promise<string> {
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

test.serial('TMPDIR is used, also with a space in it', async t => {
  const here = join(folder(t), 'a b');
  mkdirSync(here);
  t.is(await placeOf(here, '/nowhere'), here);
});

test.serial('one that is relative becomes absolute', async t => {
  const here = folder(t);
  const made = await placeOf(relative(process.cwd(), here), '/nowhere');
  t.true(isAbsolute(made));
  t.is(made, here);
});

test.serial('one that does not exist, or is a file, has the usual place in its stead', async t => {
  const here = folder(t);
  const file = join(here, 'file');
  writeFileSync(file, '');
  t.is(await placeOf(join(here, 'gone'), here), here);
  t.is(await placeOf(file, here), here);
});

test.serial('the message names TMPDIR when no directory is writable', async t => {
  const here = folder(t);
  await t.throwsAsync(placeOf(join(here, 'gone'), join(here, 'lost')), {
    message: /gone\/scratch-.*lost\/scratch-.*\. Set TMPDIR to a writable directory/,
  });
});
