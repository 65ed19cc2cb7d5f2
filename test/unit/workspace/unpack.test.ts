import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import { create } from 'tar';
import { firstEntryType } from '../../../src/workspace/tar-reader.ts';
import { unpacker } from '../../../src/workspace/unpack.ts';
import { folder } from '../_helpers/repositories.ts';
import { type Entry, extractNaively, paxRecord, stream } from '../_helpers/tar-stream.ts';

async function unpack(t: Parameters<typeof folder>[0], bytes: Iterable<Buffer>, more: object = {}) {
  const to = join(folder(t), 'to');
  const { sink, done } = unpacker({ folder: to, maxBytes: 1000, ...more });
  await pipeline(Readable.from(bytes), sink);
  return { to, ...(await done()) };
}

async function tarOf(folder: string, name: string) {
  return Buffer.from(await create({ cwd: folder }, [name]).concat());
}

/** Return every path in a tree, without following links. */
const allPaths = (path: string): string[] =>
  readdirSync(path, { withFileTypes: true }).flatMap(entry => [
    entry.name,
    ...(entry.isDirectory() ? allPaths(join(path, entry.name)).map(below => join(entry.name, below)) : []),
  ]);

test('files, directories and hard links are unpacked, and symbolic links are skipped with a warning', async t => {
  const from = folder(t);
  mkdirSync(join(from, 'dist', 'deep'), { recursive: true });
  writeFileSync(join(from, 'dist', 'deep', 'a.txt'), 'a');
  symlinkSync('/etc/passwd', join(from, 'dist', 'passwd'));
  linkSync(join(from, 'dist', 'deep', 'a.txt'), join(from, 'dist', 'twin.txt'));
  const { to, size, warnings } = await unpack(t, [await tarOf(from, 'dist')]);
  for (const name of ['deep/a.txt', 'twin.txt']) {
    t.is(readFileSync(join(to, 'dist', name), 'utf8'), 'a');
    t.is(statSync(join(to, 'dist', name)).nlink, 1);
  }
  t.false(existsSync(join(to, 'dist', 'passwd')));
  t.is(size, 2);
  t.deepEqual(warnings, ['1 link was left out: dist/passwd']);
});

/** Check whether a path below `to` resolves to a file outside of it. */
const leadsOut = (to: string, path: string) => {
  try {
    // realpathSync would resolve `..` as text; the native one does as the kernel does.
    return !`${realpathSync.native(join(to, path))}/`.startsWith(`${realpathSync.native(to)}/`);
  } catch {
    return false;
  }
};
const link = (path: string, linkpath: string): Entry => ({ path, type: 'SymbolicLink', linkpath });
const exists = (path: string) => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

interface Attack {
  readonly title: string;
  readonly entries: readonly Entry[];
  /** Check whether the attack has succeeded; `to` is `outside/to`. */
  readonly succeeded: (to: string, outside: string) => boolean;
  readonly warning: RegExp;
}

const attacks: readonly Attack[] = [
  {
    title: 'a name with ..',
    entries: [{ path: '../escaped', content: 'x' }],
    succeeded: (_, outside) => exists(join(outside, 'escaped')),
    warning: /1 entry whose name leads out/,
  },
  {
    title: 'a link to the parent, and a file through it',
    entries: [link('up', '..'), { path: 'up/escaped', content: 'x' }],
    succeeded: (_, outside) => exists(join(outside, 'escaped')),
    warning: /1 link was left out/,
  },
  {
    title: 'a directory that becomes a link after its first file',
    entries: [{ path: 'd/a', content: 'a' }, link('e', '..'), { path: 'e/escaped', content: 'x' }],
    succeeded: (_, outside) => exists(join(outside, 'escaped')),
    warning: /1 link was left out/,
  },
  {
    title: 'a chain of links, each of which stays inside by its text',
    entries: [
      { path: 'a/b/x', content: 'x' },
      link('a/b/c', '../..'),
      { path: 'secret', content: '' },
      link('out', 'a/b/c/..'),
    ],
    succeeded: to => leadsOut(to, 'out'),
    warning: /1 link was left out/,
  },
  {
    title: 'the same chain, its second link first',
    entries: [link('out', 'a/b/c/../../outside'), link('a/b/c', '../../a'), { path: 'a/b/x', content: 'x' }],
    succeeded: to => exists(join(to, 'out')),
    warning: /1 link was left out/,
  },
  {
    title: 'a chain of three links',
    entries: [
      { path: 'a/b/c/x', content: 'x' },
      link('one', 'a/b/c'),
      link('a/b/c/two', '../../..'),
      link('three', 'one/two/..'),
    ],
    succeeded: to => leadsOut(to, 'three'),
    warning: /1 link was left out/,
  },
  {
    title: 'a link through one that leads out',
    entries: [link('out', '/'), link('through', 'out/etc')],
    succeeded: to => leadsOut(to, 'through'),
    warning: /2 links were left out/,
  },
  {
    title: 'a dangling link that leads out once a directory is created',
    entries: [link('later', 'missing/../../escaped')],
    succeeded: to => exists(join(to, 'later')),
    warning: /1 link was left out/,
  },
  {
    title: 'links that lead to each other',
    entries: [link('a', 'b'), link('b', 'a')],
    succeeded: to => exists(join(to, 'a')),
    warning: /2 links were left out/,
  },
  {
    title: 'a hard link to a file outside',
    entries: [{ path: 'twin', type: 'Link', linkpath: '../secret' }],
    succeeded: to => exists(join(to, 'twin')),
    warning: /hard link to a file that did not come with it left out: twin$/,
  },
  {
    title: 'a hard link through a symbolic link',
    entries: [link('up', '..'), { path: 'twin', type: 'Link', linkpath: 'up/secret' }],
    succeeded: to => exists(join(to, 'twin')),
    warning: /hard link to a file that did not come with it left out: twin/,
  },
  {
    title: 'a hard link to a symbolic link',
    entries: [link('secret', '../secret'), { path: 'twin', type: 'Link', linkpath: 'secret' }],
    succeeded: to => exists(join(to, 'twin')),
    warning: /2 links were left out: secret, twin/,
  },
  {
    title: 'setuid, setgid and sticky bits',
    entries: [
      { path: 'root', mode: 0o6755, content: 'x' },
      { path: 'd', type: 'Directory', mode: 0o7777 },
    ],
    succeeded: to => ['root', 'd'].some(name => (lstatSync(join(to, name)).mode & 0o7000) !== 0),
    warning: /^$/,
  },
  {
    title: 'devices, a FIFO, a sparse file and an unknown type',
    entries: [
      { path: 'null', type: 'CharacterDevice' },
      { path: 'disk', type: 'BlockDevice' },
      { path: 'fifo', type: 'FIFO' },
      { path: 'tape', type: 'ContiguousFile', content: 'x' },
      { path: 'sparse', letter: 'S', content: 'x' },
      { path: 'unknown', letter: '?', content: 'x' },
    ],
    succeeded: to =>
      ['null', 'disk', 'fifo', 'tape', 'sparse', 'unknown'].some(name => exists(join(to, name))),
    warning: /6 special files were left out/,
  },
  {
    title: 'a path of a PAX header that leads out',
    entries: [{ path: 'harmless', content: 'x', pax: [paxRecord('path', '../escaped')] }],
    succeeded: (_, outside) => exists(join(outside, 'escaped')),
    warning: /1 entry whose name leads out/,
  },
  {
    title: 'a long name of GNU tar that leads out',
    entries: [
      { path: '././@LongLink', letter: 'L', content: '../escaped\0' },
      { path: 'harmless', content: 'x' },
    ],
    succeeded: (_, outside) => exists(join(outside, 'escaped')),
    warning: /1 entry whose name leads out/,
  },
  {
    title: 'a file name with a line break that adds a PAX record, and a file that contains a tar stream',
    entries: [
      {
        path: 'harmless',
        pax: [paxRecord('path', `é\n${paxRecord('size', '0')}`)],
        content: stream([link('up', '..'), { path: 'up/escaped', content: 'x' }])[0]!,
      },
    ],
    succeeded: (_, outside) => exists(join(outside, 'escaped')),
    warning: /^1 file beyond the limit of 1000b left out: é\\n9 size=0\\n$/,
  },
  {
    title: 'names that are too long, and directories that are too deep',
    entries: [
      { path: `${'d/'.repeat(300)}x`, pax: [paxRecord('path', `${'d/'.repeat(300)}x`)], content: 'x' },
      { path: 'x', pax: [paxRecord('path', `${'n'.repeat(200)}/`.repeat(15))], content: 'x' },
    ],
    succeeded: to => allPaths(to).some(path => path.length > 500),
    warning: /2 entries whose names are too long or too deep/,
  },
  {
    title: 'more entries than the limit, with implied directories',
    entries: Array.from({ length: 30 }, (_, index) => ({ path: `${index}/a/b/c`, content: '' })),
    succeeded: to => allPaths(to).length > 40,
    warning: /20 entries beyond the limit of 40 left out/,
  },
  {
    title: 'hard links that multiply a file',
    entries: [
      { path: 'a', content: 'a'.repeat(400) },
      ...[1, 2, 3].map(n => ({ path: `a${n}`, type: 'Link' as const, linkpath: 'a' })),
    ],
    succeeded: to => allPaths(to).length > 2,
    warning: /2 files beyond the limit of 1000b left out/,
  },
];

for (const { title, entries, succeeded, warning } of attacks)
  test(`a hostile stream writes nothing outside its directory: ${title}`, async t => {
    const outside = folder(t);
    writeFileSync(join(outside, 'secret'), 'secret');
    const naive = join(outside, 'naive');
    mkdirSync(naive);
    writeFileSync(join(naive, 'secret'), 'secret');
    extractNaively(join(naive, 'to'), stream(entries));
    t.true(succeeded(join(naive, 'to'), naive), 'control: the attack succeeds against a naive extraction');

    const to = join(outside, 'to');
    const { sink, done } = unpacker({ folder: to, maxBytes: 1000, maxEntries: 40, keepsLinks: true });
    await pipeline(Readable.from(stream(entries)), sink);
    const { warnings } = await done();
    t.false(succeeded(to, outside), allPaths(outside).join('\n'));
    t.deepEqual(
      allPaths(outside).filter(path => !/^(naive|to)(\/|$)/.test(path)),
      ['secret'],
    );
    t.regex(warnings.join('; '), warning);
  });

test('links that stay inside are kept in any order, even dangling ones', async t => {
  const kept = [
    link('first', 'dir/sub/../file'),
    link('dir/up', '..'),
    link('around', 'dir/up/dir/file'),
    link('dangling', 'not/yet'),
    link('dir/dot', './.'),
  ];
  const files = [
    { path: 'dir/file', content: 'x' },
    { path: 'dir/sub/', type: 'Directory' as const },
  ];
  for (const entries of [
    [...kept, ...files],
    [...files, ...kept.toReversed()],
  ]) {
    const { to, warnings } = await unpack(t, stream(entries), { keepsLinks: true });
    t.deepEqual(warnings, []);
    for (const { path, linkpath = '' } of kept) t.is(readlinkSync(join(to, path)), linkpath);
    t.is(readFileSync(join(to, 'around'), 'utf8'), 'x');
  }
});

test('two entries with the same name do not lead out', async t => {
  const { to } = await unpack(
    t,
    stream([
      { path: 'a/b/c/d', content: 'x' },
      link('x', 'a/b/c'),
      { path: 'x/', type: 'Directory' },
      link('y', 'x/../..'),
      link('z', 'a'),
      link('z', '/'),
    ]),
    { keepsLinks: true },
  );
  t.false(exists(join(to, 'y')), 'x is a directory, so x/../.. leads out');
  t.is(readlinkSync(join(to, 'z')), 'a');
});

test('the number of followed links is bounded', async t => {
  const long = 'a/../'.repeat(200);
  const chain = Array.from({ length: 3000 }, (_, index) => link(`l${index}`, `${long}l${index + 1}`));
  const entries = [{ path: 'a/', type: 'Directory' as const }, link('short', 'a'), ...chain.map(pax)];
  const { to, warnings } = await unpack(t, stream(entries), { keepsLinks: true });
  t.regex(warnings.join(), /^3000 links were left out: l0, l1, .*, and 2990 more$/);
  t.is(readlinkSync(join(to, 'short')), 'a');
});

const pax = (entry: Entry): Entry => ({
  ...entry,
  linkpath: 'x',
  pax: [paxRecord('linkpath', entry.linkpath ?? '')],
});

test('control characters of file names are escaped in warnings', async t => {
  const { warnings } = await unpack(
    t,
    stream([{ path: '\x1b[2J\u202enothing\x07\nto see', type: 'Link', linkpath: 'none' }]),
  );
  t.deepEqual(warnings, [
    '1 hard link to a file that did not come with it left out: \\e[2J\\u202enothing\\x07\\nto see',
  ]);
});

test('a file that cannot be written is skipped with a warning', async t => {
  const { to, warnings } = await unpack(
    t,
    stream([
      { path: 'a', content: 'a' },
      { path: 'a/b', content: 'b' },
      { path: 'a/d/', type: 'Directory' },
      { path: 'c', content: 'c' },
    ]),
  );
  t.deepEqual(allPaths(to).sort(), ['a', 'c']);
  t.is(warnings.length, 2);
  t.regex(warnings.join('\n'), /^a\/b could not be written: E.*\na\/d could not be written: E/);
});

test('a file of zeros is sparse and keeps its size', async t => {
  const content = Buffer.alloc(2 ** 20);
  content.write('end', content.length - 3);
  const { to } = await unpack(t, stream([{ path: 'sparse', content }]), { maxBytes: 2 ** 21 });
  t.true(readFileSync(join(to, 'sparse')).equals(content));
  const parts = Array.from({ length: 16 }, () => Buffer.alloc(2 ** 16));
  const [head, end] = [stream([{ path: 'zeros', size: 2 ** 20 }])[0]!.subarray(0, 512), Buffer.alloc(1024)];
  const holes = await unpack(t, [head, ...parts, end], { maxBytes: 2 ** 21 });
  t.is(statSync(join(holes.to, 'zeros')).size, 2 ** 20);
  t.true(statSync(join(holes.to, 'zeros')).blocks * 512 < 2 ** 20);
});

test('files beyond the limit are skipped, and smaller ones after them are kept', async t => {
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
  t.deepEqual(warnings, ['1 file beyond the limit of 1000b left out: b']);
});

test('a damaged or truncated stream fails the sink and keeps earlier files', async t => {
  const [damaged] = stream([{ path: 'a', content: 'a'.repeat(900), size: 10 }]);
  const [complete] = stream([
    { path: 'a', content: 'a'.repeat(10) },
    { path: 'b', content: 'b'.repeat(600) },
  ]);
  for (const [bytes, message] of [
    [damaged!, 'the tar stream is damaged'],
    [complete!.subarray(0, 1700), 'the tar stream ends in the middle of b'],
  ] as const) {
    const to = join(folder(t), 'to');
    const { sink, done } = unpacker({ folder: to, maxBytes: 1000 });
    await t.throwsAsync(pipeline(Readable.from([bytes]), sink), { message });
    await done();
    t.is(readFileSync(join(to, 'a'), 'utf8'), 'a'.repeat(10));
  }
});

test('firstEntryType reads the type from the first bytes of a stream', async t => {
  const [link] = stream([{ path: 'x', type: 'SymbolicLink', linkpath: '/' }]);
  t.is(await firstEntryType(link!.subarray(0, 512)), 'symbolicLink');
  t.is(await firstEntryType(Buffer.alloc(0)), null);
});
