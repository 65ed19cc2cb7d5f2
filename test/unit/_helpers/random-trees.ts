import { createHash } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import fc from 'fast-check';
import { pathBelow } from '../../../src/workspace/entry-name.ts';

/** A file, directory or link. Paths and targets have one character per byte. */
type TreeNode =
  | { readonly kind: 'file'; readonly content: string; readonly mode: number; readonly mtime: number }
  | { readonly kind: 'directory'; readonly mode: number; readonly mtime: number }
  | { readonly kind: 'link'; readonly target: string; readonly mtime: number }
  /** A hard link to a file. */
  | { readonly kind: 'twin'; readonly of: string };

/** Nodes by path, each after its parent directory. */
export type Tree = ReadonlyMap<string, TreeNode>;

const latin1 = (text: string) => Buffer.from(text).toString('latin1');

/** Names that some program may misread. */
const ambiguousNames = [
  '-rf',
  ' ',
  'a ',
  'a\nb',
  '\n',
  'a\\b',
  '*',
  '$(x)',
  "'",
  '"',
  '...',
  'f\xe9',
  'f\xe8',
  '\xff\xfe',
  latin1('café'.normalize('NFC')),
  latin1('café'.normalize('NFD')),
  latin1('é\n11 path=up\n'),
  latin1('\u{1f600}'),
  '\x1b[2J',
  'n'.repeat(255),
  '\xe9'.repeat(255),
];

const byte = fc.integer({ min: 1, max: 255 }).filter(code => code !== 47);
const anyName = fc
  .array(byte, { minLength: 1, maxLength: 12 })
  .map(codes => String.fromCharCode(...codes))
  .filter(name => name !== '.' && name !== '..');

export const fileName = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom('a', 'b', 'c', 'd') },
  { weight: 2, arbitrary: fc.constantFrom(...ambiguousNames) },
  { weight: 1, arbitrary: anyName },
);
/** A time in the past, which differs from that of any later write. */
const mtime = fc.integer({ min: 1, max: 1_700_000_000 });
const content = fc.oneof(
  fc.constant(''),
  fc.string({ maxLength: 40, unit: 'binary-ascii' }),
  fc.integer({ min: 1, max: 3000 }).map(size => '\0'.repeat(size)),
);

interface Step {
  readonly kind: TreeNode['kind'];
  readonly parent: number;
  readonly name: string;
  readonly content: string;
  readonly mode: number;
  readonly mtime: number;
  readonly other: number;
}
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('file', 'file', 'file', 'directory', 'directory', 'link', 'twin'),
  parent: fc.nat(),
  name: fileName,
  content,
  mode: fc.integer({ min: 0, max: 0o777 }),
  mtime,
  other: fc.nat(),
});

/** Trees whose links all lead below the root, and whose owner can read every file. */
export const tree: fc.Arbitrary<Tree> = fc.array(step, { maxLength: 14 }).map(steps => {
  const nodes = new Map<string, TreeNode>();
  for (const one of steps) addTo(nodes, one);
  return nodes;
});

function addTo(nodes: Map<string, TreeNode>, { kind, parent, name, other, mode, mtime, content }: Step) {
  const of = (wanted: TreeNode['kind']) =>
    [...nodes].filter(([, { kind }]) => kind === wanted).map(([path]) => path);
  const folders = ['', ...of('directory')];
  const folder = folders[parent % folders.length]!;
  const path = folder === '' ? name : `${folder}/${name}`;
  if (nodes.has(path) || path.length > 1000) return;
  const files = of('file');
  if (kind === 'file') nodes.set(path, { kind, content, mtime, mode: mode | 0o600 });
  else if (kind === 'directory') nodes.set(path, { kind, mtime, mode: mode | 0o700 });
  else if (kind === 'link') {
    const all = [...nodes.keys(), 'dangling'];
    const target = `${'../'.repeat(folder === '' ? 0 : folder.split('/').length)}${all[other % all.length]}`;
    if (target.length < 1000) nodes.set(path, { kind, target, mtime });
  } else if (files.length > 0) nodes.set(path, { kind, of: files[other % files.length]! });
}

/** Write a tree below an existing directory. */
export function writeTree(root: string, nodes: Tree): void {
  for (const [path, node] of nodes) {
    const at = pathBelow(root, path);
    if (node.kind === 'directory') mkdirSync(at);
    else if (node.kind === 'link') symlinkSync(Buffer.from(node.target, 'latin1'), at);
    else if (node.kind === 'twin') linkSync(pathBelow(root, node.of), at);
    else writeFileSync(at, Buffer.from(node.content, 'latin1'));
  }
  // Modes and times come last, since a write into a directory changes its time.
  for (const [path, node] of [...nodes].reverse()) {
    const at = pathBelow(root, path);
    if (node.kind === 'twin') continue;
    if (node.kind === 'link') lutimesSync(at, node.mtime, node.mtime);
    else {
      chmodSync(at, node.mode);
      utimesSync(at, node.mtime, node.mtime);
    }
  }
}

/** Describe everything below a directory by path: kind, mode, time in seconds, and content or target. */
export function readTree(root: string, below = ''): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(pathBelow(root, below), { encoding: 'latin1' })) {
    const path = below === '' ? name : `${below}/${name}`;
    const at = pathBelow(root, path);
    const facts = lstatSync(at);
    const time = Math.floor(facts.mtimeMs / 1000);
    const mode = (facts.mode & 0o7777).toString(8);
    if (facts.isSymbolicLink()) found[path] = `link ${time} ${readlinkSync(at, 'latin1')}`;
    else if (facts.isDirectory())
      Object.assign(found, { [path]: `directory ${mode} ${time}` }, readTree(root, path));
    else if (facts.isFile()) found[path] = `file ${mode} ${time} ${hash(readFileSync(at))}`;
    else found[path] = 'other';
  }
  return found;
}

/** Describe a tree as `readTree` does once it is written. */
export const describeTree = (nodes: Tree): Record<string, string> =>
  Object.fromEntries([...nodes].map(([path, node]) => [path, describeNode(nodes, node)]));

function describeNode(nodes: Tree, node: TreeNode): string {
  if (node.kind === 'twin') return describeNode(nodes, nodes.get(node.of)!);
  if (node.kind === 'link') return `link ${node.mtime} ${node.target}`;
  const mode = node.mode.toString(8);
  return node.kind === 'directory'
    ? `directory ${mode} ${node.mtime}`
    : `file ${mode} ${node.mtime} ${hash(Buffer.from(node.content, 'latin1'))}`;
}

const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

/** Encode a tree as a tar stream: with PAX headers as docker does, or as GNU tar does. */
export function tarOf(nodes: Tree, format: 'pax' | 'gnu'): Buffer {
  const entries = [...nodes].map(([path, node]) => entryOf(path, node, nodes, format));
  return Buffer.concat([...entries, Buffer.alloc(1024)]);
}

const letters = { file: '0', directory: '5', link: '2', twin: '1' };

function entryOf(path: string, node: TreeNode, nodes: Tree, format: 'pax' | 'gnu'): Buffer {
  const target = node.kind === 'link' ? node.target : node.kind === 'twin' ? node.of : '';
  const content = node.kind === 'file' ? node.content : '';
  const inode = node.kind === 'twin' ? (nodes.get(node.of) as Extract<TreeNode, { kind: 'file' }>) : node;
  const name = node.kind === 'directory' ? `${path}/` : path;
  const header = headerOf({
    name,
    target,
    letter: letters[node.kind],
    size: content.length,
    mode: 'mode' in inode ? inode.mode : 0o777,
    mtime: inode.mtime,
    magic: format === 'pax' ? 'ustar\x0000' : 'ustar  \0',
  });
  return Buffer.concat([...longNames(name, target, format), header, padded(content)]);
}

const isPlain = (text: string) => text.length <= 100 && /^[\x01-\x7e]*$/.test(text);

function longNames(name: string, target: string, format: 'pax' | 'gnu'): Buffer[] {
  const meta = (letter: string, content: string) => [
    headerOf({
      name: 'x',
      target: '',
      letter,
      size: content.length,
      mode: 0,
      mtime: 0,
      magic: 'ustar\x0000',
    }),
    padded(content),
  ];
  if (format === 'gnu')
    return [
      ...(target.length > 100 ? meta('K', `${target}\0`) : []),
      ...(name.length > 100 ? meta('L', `${name}\0`) : []),
    ];
  const records = [
    ...(isPlain(name) ? [] : [record('path', name)]),
    ...(isPlain(target) ? [] : [record('linkpath', target)]),
  ];
  return records.length === 0 ? [] : meta('x', records.join(''));
}

function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const length = [1, 2, 3, 4, 5].find(digits => String(rest.length + digits).length === digits)!;
  return `${rest.length + length}${rest}`;
}

interface HeaderFields {
  readonly name: string;
  readonly target: string;
  readonly letter: string;
  readonly size: number;
  readonly mode: number;
  readonly mtime: number;
  readonly magic: string;
}

function headerOf({ name, target, letter, size, mode, mtime, magic }: HeaderFields): Buffer {
  const header = Buffer.alloc(512);
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, '0')}\0`;
  header.write(name.slice(0, 100), 0, 'latin1');
  header.write(
    octal(mode, 8) + octal(0, 8) + octal(0, 8) + octal(size, 12) + octal(mtime, 12),
    100,
    'latin1',
  );
  header.write(`        ${letter}${target.slice(0, 100)}`, 148, 'latin1');
  header.write(magic, 257, 'latin1');
  const sum = header.reduce((total, one) => total + one, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

const padded = (content: string) =>
  Buffer.concat([Buffer.from(content, 'latin1'), Buffer.alloc((512 - (content.length % 512)) % 512)]);
