/** The header of an entry, in a separate block before the content. */
export interface Header {
  readonly typeFlag: string;
  readonly path: string;
  readonly target: string;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
}

/** Values for the next entry, from separate headers: PAX records, and the long names of GNU tar. */
export interface Overrides {
  readonly path?: string;
  readonly target?: string;
  readonly size?: number;
  readonly mtime?: number;
  readonly isSparse?: boolean;
  readonly isTooLong?: boolean;
}

export const blockSize = 512;

/** Parse a block; null for a block of zeros, which ends the stream. */
export function parseHeader(block: Buffer): Header | null {
  if (block.every(byte => byte === 0)) return null;
  const checksum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  const size = numberAt(block, 124, 12);
  if (checksum !== numberAt(block, 148, 8) || !Number.isSafeInteger(size) || size < 0)
    throw new Error('the tar stream is damaged');
  // GNU tar has other fields where a POSIX header has the beginning of a long name.
  const isPosix = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isPosix ? textAt(block, 345, 155) : '';
  const name = textAt(block, 0, 100);
  return {
    typeFlag: block.toString('latin1', 156, 157),
    path: prefix === '' ? name : `${prefix}/${name}`,
    target: textAt(block, 157, 100),
    size,
    mode: numberAt(block, 100, 8),
    uid: numberAt(block, 108, 8),
    gid: numberAt(block, 116, 8),
    mtime: numberAt(block, 136, 12),
  };
}

/** Type flags of headers that describe the next entry: PAX for one entry and for all, and the two of GNU tar. */
export const metadataFlags: ReadonlySet<string> = new Set(['x', 'g', 'L', 'K']);

export function parseMetadata(typeFlag: string, text: string): Overrides {
  if (typeFlag === 'L') return { path: untilZero(text) };
  if (typeFlag === 'K') return { target: untilZero(text) };
  return typeFlag === 'x' ? parsePax(text) : {};
}

/** Parse records `LENGTH KEY=VALUE\n`. The length counts: a value may contain line breaks and any byte. */
function parsePax(text: string): Overrides {
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

const textAt = (bytes: Buffer, start: number, length: number) =>
  untilZero(bytes.toString('latin1', start, start + length));

const untilZero = (text: string) => text.split('\0', 1)[0]!;

/** Parse octal digits; a number that is too large for them is binary, with the highest bit set. */
function numberAt(bytes: Buffer, start: number, length: number): number {
  const field = bytes.subarray(start, start + length);
  if (field[0]! < 0x80) return Number.parseInt(untilZero(field.toString('latin1')).trim() || '0', 8);
  return Number(BigInt.asIntN(8 * length - 1, BigInt(`0x${field.toString('hex')}`)));
}
