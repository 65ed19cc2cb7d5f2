import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { emptyFolders } from '../../../src/actors/empty-folders.ts';
import { fakeJournal, helperPorts, never } from '../_helpers/actor-ports.ts';
import { folder } from '../_helpers/repositories.ts';

const owner = { agent: 'a', attempt: 1 };

test('directories that this user can remove need no container', async t => {
  const root = folder(t);
  const paths = [join(root, 'one'), join(root, 'two')] as const;
  mkdirSync(paths[0]);
  writeFileSync(join(paths[0], 'x'), '');
  const { ports, created } = helperPorts();
  await emptyFolders({ ...ports, ...fakeJournal() }, owner, [...paths], never);
  t.false(paths.some(path => existsSync(path)));
  t.deepEqual(created(), []);
});

test('a directory that this user cannot remove is emptied by a container, and a failure is a warning', async t => {
  // Not even root can remove it.
  const path = '/proc/self/attr';
  const { ports, created } = helperPorts();
  const journal = fakeJournal();
  await emptyFolders({ ...ports, ...journal }, owner, [path], never);
  t.is(created().length, 1);
  t.regex(created()[0]!, new RegExp(`--entrypoint=agent-empty .*source=${path},target=/empty/0 .*/empty/0$`));
  t.regex(journal.messages()[0]!, /^its clone could not be removed: /);
});
