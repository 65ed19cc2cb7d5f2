import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { findMisplacedMount } from '../../../src/workspace/mount-targets.ts';
import { folder } from '../_helpers/repositories.ts';

test('findMisplacedMount finds a link on the path to a mount target', t => {
  const base = folder(t);
  const [work, data] = ['work', 'data'].map(name => join(base, name)) as [string, string];
  mkdirSync(join(work, 'plain/inner'), { recursive: true });
  mkdirSync(data);
  symlinkSync('/usr/local/bin', join(work, 'link'));
  symlinkSync('/root', join(data, 'home'));
  const outer = [
    { source: work, target: '/workspace' },
    { source: data, target: '/workspace/data' },
  ];
  const problem = (...targets: string[]) => findMisplacedMount(outer, targets);
  t.is(
    problem('/workspace/plain/inner', '/workspace/new/er', '/link', '/workspace/data', '/workspace-two/link'),
    null,
  );
  t.is(
    problem('/workspace/link'),
    `${work}/link is a link, so what is mounted at /workspace/link would land elsewhere in the container`,
  );
  t.regex(problem('/workspace/plain', '/workspace/link/x') ?? '', /work\/link is a link/);
  t.regex(
    problem('/workspace/data/home/x') ?? '',
    /data\/home is a link/,
    'a link in the nearest outer mount',
  );
  t.is(problem('/workspace/data/link'), null);
});
