import { blockSize } from './tar-header.ts';
import type { TarEntry } from './tar-reader.ts';

const typeFlags = { file: '0', directory: '5', symbolicLink: '2' } as const;

/** An entry that can be written: the type is one of those of a plain tree. */
export type WritableEntry = TarEntry & { readonly type: keyof typeof typeFlags };

export const isWritable = (entry: TarEntry): entry is WritableEntry => Object.hasOwn(typeFlags, entry.type);

/** Encode an entry for docker and GNU tar, with its content. Names are strings of bytes, see `entry-name.ts`. */
export async function* tarEntry(entry: WritableEntry): AsyncGenerator<Buffer, void> {
  const { type, path, target, content } = entry;
  const size = type === 'file' ? entry.size : 0;
  if (path.length > maxName) yield longName('L', path);
  if (target.length > maxName) yield longName('K', target);
  yield header({ ...entry, size, typeFlag: typeFlags[type] });
  if (type !== 'file') return;
  yield* content;
  yield Buffer.alloc(paddingOf(size));
}

/** The end of a tar stream. */
export const tarEnd = (): Buffer => Buffer.alloc(2 * blockSize);

/** Bytes of a name in a header; the rest of a longer one is in an entry of its own before it. */
const maxName = 100;

const paddingOf = (size: number) => (blockSize - (size % blockSize)) % blockSize;

function longName(typeFlag: 'L' | 'K', name: string): Buffer {
  const text = Buffer.from(`${name}\0`, 'latin1');
  const block = header({
    ...{ typeFlag, path: '././@LongLink', target: '', size: text.length },
    ...{ mode: 0, uid: 0, gid: 0, mtime: 0 },
  });
  return Buffer.concat([block, text, Buffer.alloc(paddingOf(text.length))]);
}

type HeaderFields = Pick<TarEntry, 'path' | 'target' | 'size' | 'mode' | 'uid' | 'gid' | 'mtime'> & {
  readonly typeFlag: string;
};

function header({ typeFlag, path, target, size, mode, uid, gid, mtime }: HeaderFields): Buffer {
  const block = Buffer.alloc(blockSize);
  block.write(path.slice(0, maxName), 0, 'latin1');
  block.write(octal(mode & 0o7777, 8), 100, 'latin1');
  block.write(octal(uid, 8), 108, 'latin1');
  block.write(octal(gid, 8), 116, 'latin1');
  block.write(octal(size, 12), 124, 'latin1');
  block.write(octal(Math.max(0, Math.trunc(mtime)), 12), 136, 'latin1');
  block.write(' '.repeat(8), 148, 'latin1');
  block.write(typeFlag, 156, 'latin1');
  block.write(target.slice(0, maxName), 157, 'latin1');
  // The magic and version of GNU tar.
  block.write('ustar  \0', 257, 'latin1');
  const checksum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(checksum, 7)} `, 148, 'latin1');
  return block;
}

/** A number as octal digits with a final NUL. One that does not fit becomes 0: an owner or a time from an untrusted stream. */
function octal(value: number, length: number): string {
  const digits = value.toString(8);
  return `${(digits.length < length ? digits : '0').padStart(length - 1, '0')}\0`;
}
