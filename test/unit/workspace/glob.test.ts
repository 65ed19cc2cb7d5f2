import test from 'ava';
import { globs } from '../../../src/workspace/glob.ts';

const bytes = (path: string) => Buffer.from(path, 'utf8').toString('latin1').split('/');

const rows: readonly (readonly [glob: string, matched: readonly string[], other: readonly string[]])[] = [
  ['test/**', ['test', 'test/a', 'test/.hidden/a', 'test/a/b'], ['tests/a', 'a/test/b', 'Test/a']],
  ['test', ['test', 'test/a/b'], ['a/test']],
  ['**/*.test.js', ['a.test.js', 'a/b/.c.test.js', 'a.test.js/b'], ['a.test.jsx', 'a/atest.js']],
  ['a/**/z', ['a/z', 'a/b/z', 'a/b/c/z/y'], ['a/zz', 'z']],
  ['*', ['.a', 'a/b'], []],
  ['a.b', ['a.b'], ['aXb']],
  ['prüfung/*', ['prüfung/a'], ['prufung/a']],
  ['a+(b)$^|c', ['a+(b)$^|c'], ['aab']],
  ['a*c', ['a\nc', 'ac'], ['a/c']],
];

test('a glob matches what it names and everything below, with hidden names', t => {
  for (const [glob, matched, other] of rows) {
    for (const path of matched) t.true(globs([glob]).matches(bytes(path)), `${glob} ${path}`);
    for (const path of other) t.false(globs([glob]).matches(bytes(path)), `${glob} ${path}`);
  }
  t.true(globs(['a', 'b']).matches(['b']));
  t.false(globs([]).matches(['b']));
  t.false(globs(['**']).matches([]));
});

test('a link may lead to matched files if it stands for a directory that a glob names', t => {
  const leads = (glob: string, path: string) => globs([glob]).mayLeadTo(bytes(path));
  t.true(leads('test/*.js', 'test'));
  t.true(leads('**/fixtures/*.json', 'a/fixtures'));
  t.true(leads('test/**/x.js', 'test/a'));
  // Whatever is behind these has the matched name itself.
  t.false(leads('**/*.test.js', 'a'));
  t.false(leads('test/*.js', 'other'));
  t.false(leads('a/b', 'a/c'));
});

test('many wildcards take no more than linear time', t => {
  const long = 'a'.repeat(2_000);
  t.false(globs([Array.from({ length: 200 }, () => '**').join('/a/')]).matches(Array(400).fill('b')));
  t.false(globs([`${'*a'.repeat(3)}b`]).matches([long]));
});
