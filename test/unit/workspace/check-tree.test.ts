import test from 'ava';
import { checkTree, protectedTree, TreeTooLargeError } from '../../../src/workspace/check-tree.ts';
import { globs } from '../../../src/workspace/glob.ts';
import { readTar } from '../../../src/workspace/tar-reader.ts';
import { type Entry, stream } from '../_helpers/tar-stream.ts';

const limits = { maxBytes: 1_000, maxEntries: 100 };

async function* from(parts: readonly Buffer[]) {
  yield* parts;
}

/** Return the entries of a tar stream: the content of files, the target of links, null for directories. */
async function entries(source: AsyncIterable<Buffer>): Promise<Record<string, string | null>> {
  const found: Record<string, string | null> = {};
  for await (const { path, type, target, content } of readTar(source)) {
    const parts: Buffer[] = [];
    for await (const part of content) parts.push(part);
    found[path] =
      type === 'directory' ? null : type === 'file' ? Buffer.concat(parts).toString() : `-> ${target}`;
  }
  return found;
}

const directory = (path: string): Entry => ({ path, type: 'Directory' });
const link = (path: string, linkpath: string): Entry => ({ path, type: 'SymbolicLink', linkpath });

const start: readonly Entry[] = [
  directory('./'),
  { path: './a.js', content: 'a' },
  directory('./deep/'),
  directory('./deep/test/'),
  { path: './deep/test/b.js', content: 'deep' },
  directory('./test/'),
  { path: './test/a.js', content: 'original' },
];

/** Return the tree of a check, of this work. */
async function check(work: readonly Entry[], patterns: readonly string[], more = limits) {
  const protect = globs(patterns);
  const kept: Buffer[] = [];
  for await (const part of protectedTree(from(stream(start)), { protect, limits })) kept.push(part);
  const options = { root: 'workspace', protect, start: () => from(kept), limits: more };
  return entries(checkTree(from(stream(work)), options));
}

test('protected files are those of the start, with the directories above them', async t => {
  const kept = protectedTree(from(stream(start)), { protect: globs(['**/test/**']), limits });
  t.deepEqual(await entries(kept), {
    './deep/': null,
    './deep/test/': null,
    './deep/test/b.js': 'deep',
    './test/': null,
    './test/a.js': 'original',
  });
});

test('a check without protected files gets the work as it is', async t => {
  const work = [...start, link('./l', 'a.js')];
  t.deepEqual(await check(work, []), {
    'workspace/': null,
    'workspace/a.js': 'a',
    'workspace/deep': null,
    'workspace/deep/test': null,
    'workspace/deep/test/b.js': 'deep',
    'workspace/test': null,
    'workspace/test/a.js': 'original',
    'workspace/l': '-> a.js',
  });
});

const original = { 'workspace/test': null, 'workspace/test/a.js': 'original' };

const attacks: readonly (readonly [title: string, work: readonly Entry[], expected: object])[] = [
  ['changed', [directory('./test/'), { path: './test/a.js', content: 'exit 0' }], original],
  ['deleted', [], original],
  ['a protected file that is added', [directory('./test/'), { path: './test/.rc', content: 'x' }], original],
  ['a link in place of the file', [directory('./test/'), link('./test/a.js', '/bin/true')], original],
  [
    'a link in place of the directory',
    [directory('./evil/'), link('./test', 'evil')],
    { ...original, 'workspace/evil': null },
  ],
  ['a file in place of the directory', [{ path: './test', content: 'x' }], original],
  ['a directory in place of the file', [directory('./test/'), directory('./test/a.js/')], original],
  [
    'a hard link',
    [
      { path: './b', content: 'x' },
      { path: './test/a.js', type: 'Link', linkpath: './b' },
    ],
    { ...original, 'workspace/b': 'x' },
  ],
  [
    'a name that leads out',
    [
      { path: '../../etc/passwd', content: 'x' },
      { path: '/etc/passwd', content: 'x' },
    ],
    original,
  ],
  ['a device', [{ path: './dev', type: 'CharacterDevice' }], original],
];

for (const [title, work, expected] of attacks)
  test(`protected files are restored: ${title}`, async t => {
    t.deepEqual(await check(work, ['test/**']), expected);
  });

test('a link above a protected file is replaced by the directory of the start', async t => {
  t.deepEqual(await check([link('./deep', '/tmp')], ['deep/test/b.js']), {
    'workspace/deep': null,
    'workspace/deep/test': null,
    'workspace/deep/test/b.js': 'deep',
  });
  // Nothing of the start is in it, but a glob names files below it.
  t.deepEqual(await check([link('./spec', 'src')], ['spec/*.js']), {});
});

test('long names and targets are kept', async t => {
  const long = `./${'d'.repeat(90)}/${'f'.repeat(120)}`;
  const work: Entry[] = [
    { path: `./x`, content: 'x', pax: [] },
    { path: './y', content: 'long', pax: [record('path', long)] },
    { ...link('./z', 'short'), pax: [record('linkpath', 't'.repeat(150))] },
  ];
  const found = await check(work, []);
  t.is(found[`workspace/${long.slice(2)}`], 'long');
  t.is(found['workspace/z'], `-> ${'t'.repeat(150)}`);
});

const record = (key: string, value: string) => {
  const rest = ` ${key}=${value}\n`;
  const length = rest.length + String(rest.length + 3).length;
  return `${length}${rest}`;
};

test('a tree beyond the limits is refused', async t => {
  const big = [{ path: './big', content: 'x'.repeat(2_000) }];
  await t.throwsAsync(check(big, []), { instanceOf: TreeTooLargeError, message: /more than/ });
  const many = Array.from({ length: 101 }, (_, index) => directory(`./${index}/`));
  await t.throwsAsync(check(many, []), {
    instanceOf: TreeTooLargeError,
    message: /100 files and directories/,
  });
});
