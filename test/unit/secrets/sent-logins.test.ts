import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readLogins } from '../../../src/secrets/sent-logins.ts';
import { folder } from '../_helpers/repositories.ts';

const login = (home: string, source: string) => ({
  home: `.${home}`,
  source: join(source, home),
  isCopied: true,
});

test('the regular files of logins are read, and nothing that a link in them leads to', t => {
  const home = folder(t);
  mkdirSync(join(home, 'ssh', 'keys'), { recursive: true });
  writeFileSync(join(home, 'gitconfig'), 'ada');
  writeFileSync(join(home, 'outside'), 'of another directory');
  writeFileSync(join(home, 'ssh', 'keys', 'one'), Buffer.from([0, 255]));
  symlinkSync('../outside', join(home, 'ssh', 'link'));
  execFileSync('mkfifo', [join(home, 'ssh', 'pipe')]);
  const files = readLogins('a', [login('ssh', home), login('gitconfig', home), login('gone', home)]);
  t.deepEqual(files, [
    { home: '.ssh/keys/one', content: Buffer.from([0, 255]) },
    { home: '.gitconfig', content: Buffer.from('ada') },
  ]);
});

test('logins that are too large together are refused, with the one to make smaller', t => {
  const home = folder(t);
  writeFileSync(join(home, 'small'), Buffer.alloc(2 ** 21));
  writeFileSync(join(home, 'large'), Buffer.alloc(2 ** 21 + 1));
  t.is(readLogins('a', [login('small', home)]).length, 1);
  t.throws(() => readLogins('a', [login('small', home), login('large', home)]), {
    message: /^agents\.a\.auth: with .*large its logins have more than 4 MB, .* Make ~\/\.large smaller/,
  });
});
