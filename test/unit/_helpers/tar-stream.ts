import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Header, Parser } from 'tar';

export interface Entry {
  readonly path: string;
  readonly type?:
    | 'File'
    | 'Directory'
    | 'SymbolicLink'
    | 'Link'
    | 'CharacterDevice'
    | 'BlockDevice'
    | 'FIFO'
    | 'ContiguousFile';
  readonly linkpath?: string;
  readonly content?: string | Buffer;
  readonly mode?: number;
  /** The declared size; by default the length of the content. */
  readonly size?: number;
  /** The type flag of the header, in place of that of `type`. */
  readonly letter?: string;
  /** Records of a PAX header before the entry, unchecked. */
  readonly pax?: readonly string[];
}

/** Encode entries as a tar stream, without any check, as an attacker would. */
export function stream(entries: readonly Entry[]): Buffer[] {
  return [Buffer.concat([...entries.flatMap(blocksOf), Buffer.alloc(1024)])];
}

function blocksOf({
  path,
  type = 'File',
  linkpath = '',
  content = '',
  mode = 0o644,
  ...more
}: Entry): Buffer[] {
  const bytes = Buffer.from(content);
  const block = Buffer.alloc(512);
  const size = more.size ?? bytes.length;
  new Header({ path, type, linkpath, size, mode, mtime: new Date(0) }).encode(block);
  if (more.letter !== undefined) block.write(more.letter, 156, 1, 'latin1');
  if (more.letter !== undefined || more.pax !== undefined) checksum(block);
  const pax =
    more.pax === undefined
      ? []
      : blocksOf({ path: 'PaxHeaders.0/x', letter: 'x', content: more.pax.join('') });
  return [...pax, block, padded(bytes)];
}

export const paxRecord = (key: string, value: string) => {
  const rest = ` ${key}=${value}\n`;
  const withLength = (length: number): number => {
    const whole = String(length).length + Buffer.byteLength(rest);
    return whole === length ? length : withLength(whole);
  };
  return `${withLength(Buffer.byteLength(rest))}${rest}`;
};

function checksum(block: Buffer): void {
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8, 'latin1');
}

const padded = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);

/** Extract without any check, to prove that an attack would succeed. */
export function extractNaively(to: string, bytes: readonly Buffer[]): void {
  mkdirSync(to, { recursive: true });
  const attempt = (work: () => void) => {
    try {
      work();
    } catch {}
  };
  const parser = new Parser({
    onReadEntry(entry) {
      const path = resolve(to, entry.path);
      const { type, linkpath = '', mode = 0o644 } = entry;
      const parts: Buffer[] = [];
      entry.on('data', part => parts.push(part));
      entry.on('end', () => {
        attempt(() => mkdirSync(dirname(path), { recursive: true }));
        attempt(() => {
          if (type === 'Directory') mkdirSync(path);
          else if (type === 'SymbolicLink') symlinkSync(linkpath, path);
          else if (type === 'Link') linkSync(resolve(to, linkpath), path);
          else writeFileSync(path, Buffer.concat(parts));
          if (type === 'File' || type === 'Directory') chmodSync(path, mode);
        });
      });
    },
    onwarn: () => {},
  });
  for (const part of bytes) parser.write(part);
  parser.end();
}
