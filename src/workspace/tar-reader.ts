import { printable } from './entry-name.ts';

/** An entry of a tar stream. Names are strings of bytes, see `entry-name.ts`. */
export interface TarEntry {
  readonly type: 'file' | 'directory' | 'symbolicLink' | 'hardLink' | 'other' | 'nameTooLong';
  readonly path: string;
  /** Of a link, as written. */
  readonly target: string;
  readonly size: number;
  readonly mode: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** What is not read of it before the next entry is skipped. */
  readonly content: AsyncIterable<Buffer>;
}

const block = 512;
/** Bytes of a header that holds a name; the kernel allows paths of 4096. */
const longestMeta = 2 ** 20;

/**
 * Read the entries of a tar stream as docker and GNU tar write them. Names stay the bytes that they are: the readers of
 * npm decode them, so two files may become one. Throws where the stream is damaged or ends early.
 */
export async function* readTar(source: AsyncIterable<Buffer>): AsyncGenerator<TarEntry, void> {
  const bytes = new ByteQueue(source);
  let names: Names = {};
  for (let header = await readHeader(bytes); header !== null; header = await readHeader(bytes)) {
    const content = new Content(bytes, header.size, header.path);
    if (metaLetters.has(header.letter)) {
      const isTooLong = header.size > longestMeta && header.letter !== 'g';
      const text = header.size > longestMeta ? '' : (await content.whole()).toString('latin1');
      names = isTooLong ? { ...names, isTooLong } : { ...names, ...namesIn(header.letter, text) };
      await content.skip();
      continue;
    }
    const entry = entryOf(header, names);
    const body = headerOnly.has(header.letter) ? 0 : entry.size;
    const own = new Content(bytes, body, entry.path);
    names = {};
    yield { ...entry, content: own };
    await own.skip();
  }
  // A command whose output is not read to its end would fail.
  await bytes.drain();
}

/** Return the type of the first entry of a tar stream, from its first bytes; null where they are too few. */
export async function firstEntryType(bytes: Buffer): Promise<TarEntry['type'] | null> {
  try {
    for await (const { type } of readTar(once(bytes))) return type;
  } catch {
    // Cut off before the entry began.
  }
  return null;
}

async function* once(bytes: Buffer) {
  yield bytes;
}

/** Headers that name the entry after them: PAX for one entry and for all, and the two of GNU tar. */
const metaLetters: ReadonlySet<string> = new Set(['x', 'g', 'L', 'K']);
/** Links, devices, directories and pipes have no content, whatever their size says. */
const headerOnly: ReadonlySet<string> = new Set(['1', '2', '3', '4', '5', '6']);

const types: Readonly<Record<string, TarEntry['type']>> = {
  '0': 'file',
  '\0': 'file',
  '1': 'hardLink',
  '2': 'symbolicLink',
  '5': 'directory',
};

interface Names {
  readonly path?: string;
  readonly target?: string;
  readonly size?: number;
  readonly mtime?: number;
  readonly isSparse?: boolean;
  readonly isTooLong?: boolean;
}

interface Header {
  readonly letter: string;
  readonly path: string;
  readonly target: string;
  readonly size: number;
  readonly mode: number;
  readonly mtime: number;
}

function entryOf(header: Header, names: Names): Omit<TarEntry, 'content'> {
  const path = names.path ?? header.path;
  const isOldDirectory = types[header.letter] === 'file' && path.endsWith('/');
  const known = isOldDirectory ? 'directory' : (types[header.letter] ?? 'other');
  return {
    type: names.isTooLong ? 'nameTooLong' : names.isSparse ? 'other' : known,
    path,
    target: names.target ?? header.target,
    size: names.size ?? header.size,
    mode: header.mode,
    mtime: names.mtime ?? header.mtime,
  };
}

/** null at the end: two blocks of zeros, or nothing more. */
async function readHeader(bytes: ByteQueue): Promise<Header | null> {
  const header = await bytes.take(block);
  if (header === null || header.every(byte => byte === 0)) return null;
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  const size = numberAt(header, 124, 12);
  if (sum !== numberAt(header, 148, 8) || !Number.isSafeInteger(size) || size < 0)
    throw new Error('the tar stream is damaged');
  // GNU tar keeps other things where a POSIX header has the beginning of a long name.
  const isPosix = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isPosix ? textAt(header, 345, 155) : '';
  const name = textAt(header, 0, 100);
  return {
    letter: header.toString('latin1', 156, 157),
    path: prefix === '' ? name : `${prefix}/${name}`,
    target: textAt(header, 157, 100),
    size,
    mode: numberAt(header, 100, 8),
    mtime: numberAt(header, 136, 12),
  };
}

const textAt = (bytes: Buffer, start: number, length: number) =>
  untilZero(bytes.toString('latin1', start, start + length));

const untilZero = (text: string) => text.split('\0', 1)[0]!;

/** Octal digits; a number that is too large for them is binary, with the highest bit set. */
function numberAt(bytes: Buffer, start: number, length: number): number {
  const field = bytes.subarray(start, start + length);
  if (field[0]! < 0x80) return Number.parseInt(untilZero(field.toString('latin1')).trim() || '0', 8);
  return Number(BigInt.asIntN(8 * length - 1, BigInt(`0x${field.toString('hex')}`)));
}

function namesIn(letter: string, text: string): Names {
  if (letter === 'L') return { path: untilZero(text) };
  if (letter === 'K') return { target: untilZero(text) };
  return letter === 'x' ? paxNames(text) : {};
}

/** Records are `LENGTH KEY=VALUE\n`. The length decides: a value may hold line breaks and any byte. */
function paxNames(text: string): Names {
  const found: Record<string, string> = {};
  for (let at = 0; at < text.length; ) {
    const [digits = ''] = /^[0-9]{1,7} /.exec(text.slice(at, at + 8)) ?? [];
    const end = at + Number.parseInt(digits || '0', 10);
    const record = text.slice(at + digits.length, end - 1);
    const equals = record.indexOf('=');
    if (digits === '' || equals < 1 || text[end - 1] !== '\n') throw new Error('the tar stream is damaged');
    found[record.slice(0, equals)] = record.slice(equals + 1);
    at = end;
  }
  const { path, linkpath, size, mtime } = found;
  return {
    ...(path ? { path } : {}),
    ...(linkpath ? { target: linkpath } : {}),
    ...(size && /^\d{1,15}$/.test(size) ? { size: Number(size) } : {}),
    ...(mtime && Number.isFinite(Number(mtime)) ? { mtime: Number(mtime) } : {}),
    ...(Object.keys(found).some(key => key.startsWith('GNU.sparse.')) ? { isSparse: true } : {}),
  };
}

/** The bytes of one entry, which are padded to whole blocks. */
class Content implements AsyncIterable<Buffer> {
  readonly #bytes: ByteQueue;
  readonly #path: string;
  #left: number;
  #padding: number;

  constructor(bytes: ByteQueue, size: number, path: string) {
    this.#bytes = bytes;
    this.#path = path;
    this.#left = size;
    this.#padding = (block - (size % block)) % block;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
    while (this.#left > 0) {
      const part = await this.#bytes.takeUpTo(this.#left);
      if (part === null) throw new Error(`the tar stream ends in the middle of ${printable(this.#path)}`);
      this.#left -= part.length;
      yield part;
    }
  }

  async whole(): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this) parts.push(part);
    return Buffer.concat(parts);
  }

  async skip(): Promise<void> {
    for await (const _ of this);
    await this.#bytes.take(this.#padding);
    this.#padding = 0;
  }
}

/** A stream from which so many bytes can be taken. */
class ByteQueue {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** null where there are fewer. */
  async take(count: number): Promise<Buffer | null> {
    const parts: Buffer[] = [];
    for (let left = count; left > 0; ) {
      const part = await this.takeUpTo(left);
      if (part === null) return null;
      left -= part.length;
      parts.push(part);
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  /** At least one byte; null at the end. */
  async takeUpTo(count: number): Promise<Buffer | null> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#source.next();
      if (done) return null;
      this.#rest = value;
    }
    const part = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }

  async drain(): Promise<void> {
    this.#rest = Buffer.alloc(0);
    while (!(await this.#source.next()).done);
  }
}
