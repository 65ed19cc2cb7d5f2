import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { contentProof, identityProof, nonceProof } from '../../../src/preflight/file-proofs.ts';
import { folder } from '../_helpers/repositories.ts';

test('the identity of a path has its device and inode numbers; a missing path has none', t => {
  const path = folder(t);
  const { dev, ino } = statSync(path, { bigint: true });
  const [proof] = identityProof(path);
  t.like(proof, { path, look: 'identity' });
  t.true(proof!.expected.endsWith(` ${dev}:${ino}`));
  t.deepEqual(identityProof(join(path, 'none')), []);
});

test('a nonce is written to a directory until it is disposed', t => {
  const path = folder(t);
  const written: Disposable[] = [];
  const proof = nonceProof(path, written)!;
  const { file } = proof.look as { file: string };
  t.is(readFileSync(join(path, file), 'utf8'), `${proof.expected}\n`);
  for (const entry of written) entry[Symbol.dispose]();
  t.deepEqual(readdirSync(path), []);
});

test('the nonce of a repository is in its .git', t => {
  const path = folder(t);
  mkdirSync(join(path, '.git'));
  const written: Disposable[] = [];
  const { file } = nonceProof(path, written)!.look as { file: string };
  t.regex(file, /^\.git\/\.agent-flow-[0-9a-f]{24}$/);
  for (const entry of written) entry[Symbol.dispose]();
});

test('a .git that is a link to elsewhere is not written to', t => {
  const [path, elsewhere] = [folder(t), folder(t)];
  symlinkSync(elsewhere, join(path, '.git'));
  const written: Disposable[] = [];
  const { file } = nonceProof(path, written)!.look as { file: string };
  t.regex(file, /^\.agent-flow-/);
  t.deepEqual(readdirSync(elsewhere), []);
  for (const entry of written) entry[Symbol.dispose]();
});

test('two nonces differ, and a file or a missing path gets none', t => {
  const path = folder(t);
  writeFileSync(join(path, 'file'), '');
  const written: Disposable[] = [];
  t.not(nonceProof(path, written)!.expected, nonceProof(path, written)!.expected);
  t.is(nonceProof(join(path, 'file'), written), null);
  t.is(nonceProof(join(path, 'none'), written), null);
  for (const entry of written) entry[Symbol.dispose]();
  t.false(existsSync(join(path, 'none')));
});

test('the content of a file is its bytes, that of a directory its entries', async t => {
  const path = folder(t);
  const digest = async (name: string) => (await contentProof(join(path, name))).expected;
  writeFileSync(join(path, 'a'), 'x');
  writeFileSync(join(path, 'b'), 'x');
  mkdirSync(join(path, 'd'));
  t.is(await digest('a'), await digest('b'));
  t.regex(await digest('a'), /^[0-9a-f]{64}$/);
  writeFileSync(join(path, 'b'), 'y');
  t.not(await digest('a'), await digest('b'));
  const before = await digest('d');
  writeFileSync(join(path, 'd', 'new'), '');
  t.not(await digest('d'), before);
});

test('a missing path and a device have no content that proves anything', async t => {
  t.is((await contentProof(join(folder(t), 'none'))).expected, '');
  t.is((await contentProof('/dev/null')).expected, '');
});
