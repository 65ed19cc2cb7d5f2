import { execFileSync } from 'node:child_process';
import test from 'ava';
import { shellQuote, shellWord } from '../../../src/text/shell-quote.ts';

const words = [
  '',
  'a b',
  "it's",
  "''",
  '$(id)',
  '`id`',
  '"',
  '\\',
  '-n',
  '*',
  'a\nb',
  '~',
  '!x',
  "'; exit 1; '",
  'é',
];

test('a shell reads a quoted word unchanged', t => {
  for (const quote of [shellQuote, shellWord]) {
    const line = words.map(quote).join(' ');
    const read = execFileSync('sh', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' });
    t.deepEqual(read.split('\0').slice(0, -1), words);
  }
});

test('shellWord does not quote a word without special characters', t => {
  for (const word of ['a', '/a/b.c', '--x=y', 'user@host:1,2', '100%', '+']) t.is(shellWord(word), word);
  t.is(shellWord('a b'), "'a b'");
  t.is(shellQuote('a'), "'a'");
});
