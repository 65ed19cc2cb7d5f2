import { chmodSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { contentHash, tagOf } from '../../../src/images/content.ts';
import { folder } from '../_helpers/repositories.ts';

function source(t: ExecutionContext) {
  const path = folder(t);
  mkdirSync(join(path, 'rootfs'));
  writeFileSync(join(path, 'Dockerfile'), 'FROM scratch\n', { mode: 0o644 });
  writeFileSync(join(path, 'rootfs', 'program'), 'x', { mode: 0o755 });
  return path;
}

test('equal folders have equal hashes, wherever they are', async t => {
  const hash = await contentHash(source(t));
  t.regex(hash, /^[0-9a-f]{32}$/);
  t.is(await contentHash(source(t)), hash);
});

test('the content, the name and the executable bit of a file change the hash', async t => {
  const before = await contentHash(source(t));
  const changed = async (change: (path: string) => void) => {
    const path = source(t);
    change(path);
    return contentHash(path);
  };
  const hashes = await Promise.all([
    changed(path => writeFileSync(join(path, 'Dockerfile'), 'FROM other\n')),
    changed(path => renameSync(join(path, 'rootfs', 'program'), join(path, 'rootfs', 'renamed'))),
    changed(path => chmodSync(join(path, 'rootfs', 'program'), 0o644)),
    changed(path => writeFileSync(join(path, 'added'), '')),
  ]);
  t.is(new Set([before, ...hashes]).size, 5);
});

test('other permission bits, folders and links do not change the hash', async t => {
  const path = source(t);
  const before = await contentHash(path);
  chmodSync(join(path, 'Dockerfile'), 0o600);
  mkdirSync(join(path, 'empty'));
  symlinkSync('Dockerfile', join(path, 'link'));
  t.is(await contentHash(path), before);
});

test('the folders of the proxy and of providers are not part of the content', async t => {
  const path = source(t);
  const before = await contentHash(path);
  for (const name of ['proxy', 'provider']) {
    mkdirSync(join(path, name));
    writeFileSync(join(path, name, 'Dockerfile'), name);
  }
  t.is(await contentHash(path), before);
  writeFileSync(join(path, 'provider.conf'), '');
  t.not(await contentHash(path), before);
});

test('a tag depends on its parts and on their borders', t => {
  t.is(tagOf('a', 'b'), tagOf('a', 'b'));
  t.not(tagOf('a', 'b'), tagOf('b', 'a'));
  t.not(tagOf('a', 'b'), tagOf('ab'));
  t.regex(tagOf(), /^[0-9a-f]{32}$/);
});
