import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { findMisplacedMount } from '../../../src/workspace/mount-targets.ts';
import { folder } from '../_helpers/repositories.ts';

test('a link on the way to the target of a mount is found, and none elsewhere matters', t => {
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
  const why = (...targets: string[]) => findMisplacedMount(outer, targets);
  t.is(
    why('/workspace/plain/inner', '/workspace/new/er', '/link', '/workspace/data', '/workspace-two/link'),
    null,
  );
  t.is(
    why('/workspace/link'),
    `${work}/link is a link, so what is mounted at /workspace/link would land elsewhere in the container`,
  );
  t.regex(why('/workspace/plain', '/workspace/link/x') ?? '', /work\/link is a link/);
  t.regex(why('/workspace/data/home/x') ?? '', /data\/home is a link/, 'in the nearest mount above');
  t.is(why('/workspace/data/link'), null);
});
