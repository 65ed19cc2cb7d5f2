import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { exceptions, retiredNames, retiredOpenings, retiredWords } from './_helpers/retired-words.ts';

const root = join(import.meta.dirname, '..', '..');
const list = 'test/unit/_helpers/retired-words.ts';
// Recorded output of engines is kept unchanged.
const recorded = 'test/fixtures/engines/';

const files = ['src', 'machines', 'docker', 'scripts', 'test', 'docs']
  .flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name).slice(root.length + 1)),
  )
  .concat('README.md', 'CONTRIBUTING.md')
  .filter(file => file !== list && !file.startsWith(recorded))
  .map(file => ({ file, text: readFileSync(join(root, file), 'utf8') }))
  .filter(({ text }) => !text.includes('\0'));

const literally = (word: string) => word.replace(/[.\\]/g, '\\$&').replaceAll(' ', '\\s+(?:[*#/]+\\s+)?');
const anyOf = (words: readonly string[]) => `(?:${words.map(literally).join('|')})`;
const word = new RegExp(`(?<![A-Za-z0-9_])${anyOf(retiredWords)}(?![A-Za-z0-9_])`, 'g');
const declared = new RegExp(
  `(?<=\\b(?:const|let|class|enum|function\\*?|interface|type) )${anyOf(retiredNames)}(?![A-Za-z0-9_])`,
  'g',
);

const found = (pattern: RegExp) =>
  files.flatMap(({ file, text }) =>
    [...new Set(text.match(pattern))].map(hit => ({ file, hit: hit.replace(/\s+(?:[*#/]+\s+)?/g, ' ') })),
  );
const excepted = ({ file, hit }: { file: string; hit: string }) => exceptions[hit]?.[file] !== undefined;

test('no file contains a retired word', t => {
  t.deepEqual(
    found(word).filter(hit => !excepted(hit)),
    [],
  );
});

test('no declaration has a retired name', t => {
  t.deepEqual(
    found(declared).filter(hit => !excepted(hit)),
    [],
  );
});

const opening = `(?:${retiredOpenings.join('|')})(?![A-Za-z0-9_])`;
const openings = [
  // The first line of a comment, in TypeScript and in scripts.
  new RegExp(`(?<!^ *(?://|#).*\\n) *(?:/\\*\\*(?: |\\n \\* )|// |# )${opening}`, 'gm'),
  new RegExp(`\\btest(?:\\.\\w+)?\\(\\s*['"\`]${opening}`, 'gi'),
];

test('no comment and no title of a test opens with a retired word', t => {
  const sources = files.filter(({ file }) => !/\.(md|json|jsonc)$/.test(file));
  const hits = sources.flatMap(({ file, text }) =>
    openings.flatMap(pattern => (text.match(pattern) ?? []).map(hit => `${file}: ${hit.trim()}`)),
  );
  t.deepEqual(hits, []);
});

test('every exception is still needed', t => {
  const hits = [...found(word), ...found(declared)];
  t.deepEqual(
    Object.entries(exceptions).flatMap(([hit, places]) =>
      Object.keys(places).filter(place => !hits.some(found => found.hit === hit && found.file === place)),
    ),
    [],
  );
});

test('a retired word is matched as a whole, on one line or two', t => {
  const hits = (text: string) => text.match(word) ?? [];
  t.deepEqual(hits('const createWorld = 1; recreateWorldMap engine.away'), ['createWorld', 'engine.away']);
  t.is(hits(' * it will bring\n * home the work').length, 1);
  t.is(hits('engineXaway').length, 0);
  t.deepEqual('export interface World {} of the World'.match(declared), ['World']);
});
