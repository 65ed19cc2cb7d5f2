import test, { type ExecutionContext } from 'ava';
import { tarOf } from '../../../src/swarm/tar.ts';
import { readTar } from '../_helpers/read-tar.ts';

const entriesOf = (t: ExecutionContext, archive: Buffer) =>
  readTar(t, archive).map(({ entry, content }) => {
    const { path, mode, size, type, uid, gid, mtime } = entry;
    return { path, mode, size, type, uid, gid, time: mtime?.getTime(), content: content.toString('latin1') };
  });

const common = { type: 'File', uid: 0, gid: 0, time: 0 };

test('files of any size are read back as they are, and belong to root', t => {
  const sizes = [0, 1, 511, 512, 513, 1024];
  const contents = sizes.map(size => 'x'.repeat(size));
  const archive = tarOf(
    contents.map((content, index) => ({ name: `f${index}`, mode: 0o644, content: Buffer.from(content) })),
  );
  t.deepEqual(
    entriesOf(t, archive),
    contents.map((content, index) => ({
      ...common,
      ...{ path: `f${index}`, mode: 0o644, size: content.length, content },
    })),
  );
});

test('a file keeps its mode and its bytes, whatever they are', t => {
  const content = Buffer.from([0, 0xff, 0x80, 10]);
  t.deepEqual(entriesOf(t, tarOf([{ name: 'bin', mode: 0o755, content }])), [
    { ...common, path: 'bin', mode: 0o755, size: 4, content: content.toString('latin1') },
  ]);
});

test('an archive consists of whole blocks, the last two of which are empty', t => {
  const archive = tarOf([{ name: 'a', mode: 0o644, content: Buffer.from('x') }]);
  t.is(archive.length, 4 * 512);
  t.true(archive.subarray(2 * 512).equals(Buffer.alloc(2 * 512)));
});

test('the same files give the same bytes', t => {
  const files = () => [{ name: 'a', mode: 0o644, content: Buffer.from('x') }];
  t.true(tarOf(files()).equals(tarOf(files())));
});
