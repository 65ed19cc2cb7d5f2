import { ByteQueue } from './byte-queue.ts';
import { printable } from './entry-name.ts';
import { sourceOf } from './tar-bytes.ts';
import {
  blockSize,
  type Header,
  metadataFlags,
  type Overrides,
  parseHeader,
  parseMetadata,
} from './tar-header.ts';

/** An entry of a tar stream. Names are strings of bytes, see `entry-name.ts`. */
export interface TarEntry {
  readonly type: 'file' | 'directory' | 'symbolicLink' | 'hardLink' | 'other' | 'nameTooLong';
  readonly path: string;
  /** Target of a link, as written. */
  readonly target: string;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Content that is not read before the next entry is skipped. */
  readonly content: AsyncIterable<Buffer>;
}

/** Bytes of a header that contains a name; the kernel allows paths of 4096. */
const maxMetadata = 2 ** 20;

/**
 * Read the entries of a tar stream as docker and GNU tar write them. Names stay bytes: the tar readers on npm decode
 * them, so that two files may become one.
 *
 * @throws if the stream is damaged or ends early.
 */
export async function* readTar(source: AsyncIterable<Buffer>): AsyncGenerator<TarEntry, void> {
  const bytes = new ByteQueue(source);
  let overrides: Overrides = {};
  for (let header = await readHeader(bytes); header !== null; header = await readHeader(bytes)) {
    const { typeFlag, size } = header;
    const content = new Content(bytes, size, header.path);
    if (metadataFlags.has(typeFlag)) {
      const isTooLong = size > maxMetadata && typeFlag !== 'g';
      const text = size > maxMetadata ? '' : (await content.whole()).toString('latin1');
      overrides = isTooLong
        ? { ...overrides, isTooLong }
        : { ...overrides, ...parseMetadata(typeFlag, text) };
      await content.skip();
      continue;
    }
    const entry = entryOf(header, overrides);
    const body = new Content(bytes, withoutContent.has(typeFlag) ? 0 : entry.size, entry.path);
    overrides = {};
    yield { ...entry, content: body };
    await body.skip();
  }
  await bytes.drain();
}

async function readHeader(bytes: ByteQueue): Promise<Header | null> {
  const block = await bytes.take(blockSize);
  return block && parseHeader(block);
}

/** Return the type of the first entry of a tar stream, from its first bytes; null if they are too few. */
export async function firstEntryType(bytes: Buffer): Promise<TarEntry['type'] | null> {
  try {
    for await (const { type } of readTar(sourceOf(bytes))) return type;
  } catch {
    // The bytes end before the entry begins.
  }
  return null;
}

/** Links, devices, directories and pipes have no content, whatever their size field. */
const withoutContent: ReadonlySet<string> = new Set(['1', '2', '3', '4', '5', '6']);

const types: Readonly<Record<string, TarEntry['type']>> = {
  '0': 'file',
  '\0': 'file',
  '1': 'hardLink',
  '2': 'symbolicLink',
  '5': 'directory',
};

function entryOf(header: Header, overrides: Overrides): Omit<TarEntry, 'content'> {
  const path = overrides.path ?? header.path;
  const isOldDirectory = types[header.typeFlag] === 'file' && path.endsWith('/');
  const type = isOldDirectory ? 'directory' : (types[header.typeFlag] ?? 'other');
  return {
    type: overrides.isTooLong ? 'nameTooLong' : overrides.isSparse ? 'other' : type,
    path,
    target: overrides.target ?? header.target,
    size: overrides.size ?? header.size,
    mode: header.mode,
    uid: header.uid,
    gid: header.gid,
    mtime: overrides.mtime ?? header.mtime,
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
    this.#padding = (blockSize - (size % blockSize)) % blockSize;
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
