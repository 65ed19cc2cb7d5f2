import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import { create, Header } from 'tar';
import { firstEntry, unpacker } from '../../../src/workspace/unpack.ts';
import { folder } from './repositories.ts';

async function unpack(t: Parameters<typeof folder>[0], bytes: Iterable<Buffer>, more: object = {}) {
  const to = join(folder(t), 'to');
  const { sink, done } = unpacker({ folder: to, most: 1000, ...more });
  await pipeline(Readable.from(bytes), sink);
  return { to, ...done() };
}

/** A tar stream as somebody with bad intentions writes it. */
function stream(
  entries: readonly {
    path: string;
    type?: 'File' | 'SymbolicLink' | 'Link' | 'CharacterDevice';
    linkpath?: string;
    content?: string;
  }[],
) {
  const blocks = entries.flatMap(({ path, type = 'File', linkpath = '', content = '' }) => {
    const header = new Header({
      path,
      type,
      linkpath,
      size: content.length,
      mode: 0o644,
      mtime: new Date(0),
    });
    const block = Buffer.alloc(512);
    header.encode(block);
    const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
    body.write(content);
    return [block, body];
  });
  return [Buffer.concat([...blocks, Buffer.alloc(1024)])];
}

async function tarOf(folder: string, name: string) {
  return Buffer.from(await create({ cwd: folder }, [name]).concat());
}

test('files and directories are taken out, links are left out and counted', async t => {
  const from = folder(t);
  mkdirSync(join(from, 'dist', 'deep'), { recursive: true });
  writeFileSync(join(from, 'dist', 'deep', 'a.txt'), 'a');
  symlinkSync('/etc/passwd', join(from, 'dist', 'passwd'));
  linkSync(join(from, 'dist', 'deep', 'a.txt'), join(from, 'dist', 'twin.txt'));
  const { to, size, warnings } = await unpack(t, [await tarOf(from, 'dist')]);
  t.true(existsSync(join(to, 'dist', 'deep', 'a.txt')) || existsSync(join(to, 'dist', 'twin.txt')));
  t.false(existsSync(join(to, 'dist', 'passwd')));
  t.is(size, 1);
  t.deepEqual(warnings, ['2 links were left out']);
});

test('names that lead out of the folder, and devices, lead nowhere', async t => {
  const outside = folder(t);
  const { to } = await unpack(
    t,
    stream([
      { path: '../escaped.txt', content: 'x' },
      { path: join(outside, 'absolute.txt'), content: 'x' },
      { path: 'null', type: 'CharacterDevice' },
      { path: 'good.txt', content: 'good' },
    ]),
  );
  t.false(existsSync(join(to, '..', 'escaped.txt')));
  t.false(existsSync(join(outside, 'absolute.txt')));
  t.false(existsSync(join(to, 'null')));
  t.is(readFileSync(join(to, 'good.txt'), 'utf8'), 'good');
});

test('nothing is written through a link, also where links may stay', async t => {
  const outside = folder(t);
  for (const keepsLinks of [false, true]) {
    const { to } = await unpack(
      t,
      stream([
        { path: 'work/out', type: 'SymbolicLink', linkpath: outside },
        { path: 'work/out/a.txt', content: 'x' },
        { path: 'work/up', type: 'SymbolicLink', linkpath: '../..' },
        { path: 'work/up/b.txt', content: 'x' },
        { path: 'work/in', type: 'SymbolicLink', linkpath: 'good.txt' },
        { path: 'work/good.txt', content: 'good' },
      ]),
      { keepsLinks },
    );
    t.false(existsSync(join(outside, 'a.txt')));
    t.false(existsSync(join(to, '..', 'b.txt')));
    if (keepsLinks) t.is(readlinkSync(join(to, 'work', 'in')), 'good.txt');
    else t.false(existsSync(join(to, 'work', 'in')));
  }
});

test('what is beyond the limit is left out, what fits is kept', async t => {
  const { to, size, warnings } = await unpack(
    t,
    stream([
      { path: 'a', content: 'a'.repeat(600) },
      { path: 'b', content: 'b'.repeat(600) },
      { path: 'c', content: 'c'.repeat(400) },
    ]),
  );
  t.is(size, 1000);
  t.true(existsSync(join(to, 'a')) && existsSync(join(to, 'c')) && !existsSync(join(to, 'b')));
  t.deepEqual(warnings, ['1 file beyond the limit of 1000b left out']);
});

test('the first bytes of a stream tell what its first entry is', async t => {
  const [link] = stream([{ path: 'x', type: 'SymbolicLink', linkpath: '/' }]);
  t.deepEqual(firstEntry(link!.subarray(0, 512)), { type: 'SymbolicLink' });
  t.is(firstEntry(Buffer.alloc(0)), null);
});
