interface TarFile {
  /** At most 100 bytes. */
  readonly name: string;
  readonly mode: number;
  readonly content: Buffer;
}

const blockSize = 512;

/** Return a tar archive of these files. The same files give the same bytes. */
export const tarOf = (files: readonly TarFile[]): Buffer =>
  Buffer.concat([
    ...files.flatMap(file => [headerOf(file), file.content, paddingOf(file)]),
    Buffer.alloc(2 * blockSize),
  ]);

const paddingOf = ({ content }: TarFile) => Buffer.alloc(-content.length & (blockSize - 1));

/** Fields: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_06 */
function headerOf({ name, mode, content }: TarFile): Buffer {
  const header = Buffer.alloc(blockSize);
  const write = (at: number, text: string) => header.write(text, at, 'latin1');
  write(0, name);
  write(100, octal(mode, 7));
  write(108, octal(0, 7)); // user
  write(116, octal(0, 7)); // group
  write(124, octal(content.length, 11));
  write(136, octal(0, 11)); // time
  write(148, ' '.repeat(8)); // the checksum counts itself as blanks
  write(156, '0');
  write(257, 'ustar\x0000');
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  write(148, `${octal(checksum, 6)}\0 `);
  return header;
}

const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
