import test from 'ava';
import { publicUrl } from '../../../src/workspace/source.ts';

const addresses: readonly (readonly [string, string | null])[] = [
  ['https://github.com/me/it.git', 'https://github.com/me/it.git'],
  ['https://me:secret@github.com/me/it.git', 'https://github.com/me/it.git'],
  ['https://token@github.com/me/it.git?key=1#x', 'https://github.com/me/it.git'],
  ['ssh://git:secret@host:22/it.git', 'ssh://git@host:22/it.git'],
  ['git@github.com:me/it.git', 'git@github.com:me/it.git'],
  ['/home/me/it', null],
  ['../it', null],
  ['file:///home/me/it', null],
  ['ext::sh -c evil', null],
  ['', null],
];

for (const [given, shown] of addresses)
  test(`of the address "${given}" an agent sees ${shown ?? 'nothing'}`, t => {
    t.is(publicUrl(given), shown);
  });
