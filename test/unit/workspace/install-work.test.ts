import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { installWork } from '../../../src/workspace/install-work.ts';
import { commit, folder, head, repository, run } from '../_helpers/repositories.ts';

const allowed = { branch: 'agent-flow/r1/a', refs: 'refs/agent-flow/r1/a/1' };
const ref = `refs/heads/${allowed.branch}`;

/** Create a repository, and the folder that a helper has filled with the packs of a clone of it, and these refs. */
function stage(t: ExecutionContext, refsOf = (made: string) => `${made} ${ref}\n`) {
  const root = folder(t);
  const source = repository(join(root, 'source'));
  const clone = join(root, 'clone');
  run(root, 'clone', '--quiet', source, clone);
  const made = head(commit(clone, { 'made.txt': 'made\n' }));
  run(clone, 'repack', '--quiet', '-a', '-d');
  const delivered = join(root, 'delivered');
  cpSync(join(clone, '.git', 'objects', 'pack'), join(delivered, 'pack'), { recursive: true });
  writeFileSync(join(delivered, 'refs'), refsOf(made));
  const commonDir = join(source, '.git');
  const found = { root: source, gitDir: commonDir, commonDir };
  return {
    source,
    commonDir,
    delivered,
    made,
    install: (from = delivered) => installWork(found, from, allowed),
  };
}

test('packs and refs are added, and git accepts them', t => {
  const { source, made, install } = stage(t, id => `${id} ${ref}\n${id} ${allowed.refs}/tags/kept\n`);
  t.is(install(), null);
  t.is(head(source, ref), made);
  t.is(head(source, `${allowed.refs}/tags/kept`), made);
  t.is(run(source, 'show', `${ref}:made.txt`), 'made');
  t.notThrows(() => run(source, 'fsck', '--strict'));
  t.is(install(), null, 'again, as after a crash');
});

test('packs are read-only, as git writes them, and of any user', t => {
  const { commonDir, install } = stage(t);
  t.is(install(), null);
  const folder = join(commonDir, 'objects', 'pack');
  const names = readdirSync(folder);
  t.true(names.length >= 2);
  for (const name of names) t.is(statSync(join(folder, name)).mode & 0o777, 0o444, name);
});

for (const [what, line] of [
  ['another branch', 'refs/heads/main'],
  ['a branch below ours', `${ref}/x`],
  ['a ref of another attempt', 'refs/agent-flow/r1/a/2/heads/x'],
  ['a way out', `${allowed.refs}/../../../../config`],
  ['a hidden name', `${allowed.refs}/.x`],
  ['a lock', `${allowed.refs}/x.lock`],
  ['no ref', 'HEAD'],
  ['a name with a space', `${allowed.refs}/a b`],
] as const)
  test(`with ${what} in the list, nothing is written`, t => {
    const { commonDir, install } = stage(t, id => `${id} ${ref}\n${id} ${line}\n`);
    const before = readdirSync(join(commonDir, 'objects', 'pack'));
    t.is(install(), 'the list of its refs cannot be read');
    t.false(existsSync(join(commonDir, ref)));
    t.deepEqual(readdirSync(join(commonDir, 'objects', 'pack')), before);
  });

test('an empty list, or none, is refused', t => {
  const { delivered, install } = stage(t, () => '');
  t.is(install(), 'the list of its refs cannot be read');
  t.is(install(join(delivered, 'nowhere')), 'the list of its refs cannot be read');
});

test('a branch that is checked out stays as it is', t => {
  const { source, install } = stage(t);
  run(source, 'checkout', '--quiet', '-b', allowed.branch);
  const before = head(source);
  t.is(install(), `${ref} is checked out`);
  t.is(head(source), before);
  const linked = join(dirname(source), 'linked');
  run(source, 'checkout', '--quiet', 'main');
  run(source, 'worktree', 'add', '--quiet', linked, allowed.branch);
  t.is(install(), `${ref} is checked out`);
});

for (const name of ['objects/pack', 'refs/heads/agent-flow'])
  test(`nothing is written through a link at ${name}`, t => {
    const { commonDir, install } = stage(t);
    const elsewhere = folder(t);
    rmSync(join(commonDir, name), { recursive: true, force: true });
    symlinkSync(elsewhere, join(commonDir, name));
    t.regex(install() ?? '', /is not a directory|is in the way/);
    t.deepEqual(readdirSync(elsewhere), []);
  });

test('files that are no packs, and links, are left out', t => {
  const { commonDir, delivered, install } = stage(t);
  writeFileSync(join(delivered, 'pack', 'pack-x.pack'), '');
  symlinkSync('/etc/passwd', join(delivered, 'pack', `pack-${'a'.repeat(40)}.pack`));
  t.is(install(), null);
  const names = readdirSync(join(commonDir, 'objects', 'pack'));
  t.false(
    names.some(name => name.includes('-x.') || name.includes('aaaa')),
    names.join(),
  );
});

test('a locked ref is reported', t => {
  const { commonDir, install } = stage(t);
  mkdirSync(dirname(join(commonDir, ref)), { recursive: true });
  writeFileSync(join(commonDir, `${ref}.lock`), '');
  t.regex(install() ?? '', /is locked: .*a\.lock exists/);
});
