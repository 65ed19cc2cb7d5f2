import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { gitState } from '../../../src/workspace/git-state.ts';
import { changedGitState, parseGitState, printGitState } from '../../../src/workspace/git-state-text.ts';
import { commit, folder, repository, run } from '../_helpers/repositories.ts';

const sampleFolder = mkdtempSync(join(tmpdir(), 'agent-flow-git-state-'));
const original = createSample(sampleFolder);
test.after.always(() => rmSync(sampleFolder, { recursive: true, force: true }));

/** Copy the sample repository, so that a test may change it. */
function copySample(base: string): string {
  const source = join(base, 'source');
  cpSync(original, source, { recursive: true, verbatimSymlinks: true });
  return source;
}

/** Create a repository with everything that git executes or follows: a submodule, a linked work tree, an include, hooks. */
function createSample(base: string): string {
  const library = repository(join(base, 'library'));
  const source = repository(join(base, 'source'), { 'a.txt': 'a\n', '.gitattributes': '*.txt text\n' });
  run(source, 'submodule', '--quiet', 'add', library, 'lib');
  run(source, 'worktree', 'add', '--quiet', '-b', 'side', join(source, 'linked'));
  mkdirSync(join(source, 'tools/hooks'), { recursive: true });
  writeFileSync(join(source, 'tools/git.inc'), '[alias]\n\tx = !tools/x.sh\n');
  writeFileSync(join(source, 'tools/x.sh'), 'true\n');
  writeFileSync(join(source, 'tools/clean.sh'), 'cat\n');
  writeFileSync(join(source, 'tools/hooks/pre-commit'), 'true\n');
  run(source, 'config', 'include.path', '../tools/git.inc');
  run(source, 'config', 'core.hooksPath', 'tools/hooks');
  run(source, 'config', 'filter.x.clean', 'sh "tools/clean.sh" %f');
  return source;
}

/** Changes that an agent may make, by the reported name. */
const changes: readonly (readonly [name: string, change: (source: string) => void])[] = [
  ['.git/config', source => run(source, 'config', 'core.pager', 'evil')],
  ['.git/config.worktree (new)', source => writeFileSync(join(source, '.git/config.worktree'), '[core]\n')],
  ['.git/commondir (new)', source => writeFileSync(join(source, '.git/commondir'), '../evil\n')],
  ['.git/hooks/post-commit (new)', source => writeFileSync(join(source, '.git/hooks/post-commit'), 'evil')],
  ['.git/hooks/pre-push.sample', source => chmodSync(join(source, '.git/hooks/pre-push.sample'), 0o744)],
  [
    '.git/info/attributes (new)',
    source => writeFileSync(join(source, '.git/info/attributes'), '* filter=x\n'),
  ],
  [
    '.git/objects/info/alternates (new)',
    source => writeFileSync(join(source, '.git/objects/info/alternates'), '/x\n'),
  ],
  ['.git/modules/lib/config', source => run(join(source, 'lib'), 'config', 'core.pager', 'evil')],
  [
    '.git/modules/lib/hooks/post-commit (new)',
    source => writeFileSync(join(source, '.git/modules/lib/hooks/post-commit'), 'evil'),
  ],
  [
    '.git/worktrees/linked/commondir',
    source => writeFileSync(join(source, '.git/worktrees/linked/commondir'), '../evil\n'),
  ],
  ['.gitattributes', source => appendFileSync(join(source, '.gitattributes'), '* filter=x\n')],
  [
    'deep/er/.gitattributes (new)',
    source => {
      mkdirSync(join(source, 'deep/er'), { recursive: true });
      writeFileSync(join(source, 'deep/er/.gitattributes'), '* filter=x\n');
    },
  ],
  ['.gitmodules', source => appendFileSync(join(source, '.gitmodules'), '[submodule "x"]\n')],
  ['lib/.git', source => writeFileSync(join(source, 'lib/.git'), 'gitdir: ../evil\n')],
  ['linked/.git', source => writeFileSync(join(source, 'linked/.git'), 'gitdir: ../evil\n')],
  ['vendor/.git (new)', source => repository(join(source, 'vendor'))],
  ['tools/git.inc', source => appendFileSync(join(source, 'tools/git.inc'), '[core]\n\tpager = evil\n')],
  ['tools/hooks/pre-commit', source => writeFileSync(join(source, 'tools/hooks/pre-commit'), 'evil')],
  ['tools/clean.sh', source => writeFileSync(join(source, 'tools/clean.sh'), 'evil')],
  [
    '.git',
    source => {
      renameSync(join(source, '.git'), join(source, 'moved'));
      symlinkSync('moved', join(source, '.git'));
    },
  ],
  [
    '.git/hooks',
    source => {
      renameSync(join(source, '.git/hooks'), join(source, 'hooks'));
      symlinkSync('../hooks', join(source, '.git/hooks'));
    },
  ],
];

for (const [name, change] of changes)
  test(`a change of ${name} is reported`, async t => {
    const source = copySample(folder(t));
    const before = await gitState(source);
    change(source);
    const changed = changedGitState(before, await gitState(source));
    t.true(
      changed.some(found => found === name || found.startsWith(`${name.split(' ')[0]} `)),
      changed.join(', '),
    );
  });

test('ordinary work of an agent is not reported', async t => {
  const source = copySample(folder(t));
  const before = await gitState(source);
  commit(source, { 'b.txt': 'b\n' });
  run(source, 'branch', 'other');
  run(source, 'stash', 'list');
  rmSync(join(source, 'a.txt'));
  t.deepEqual(changedGitState(before, await gitState(source)), []);
});

test('a printed state can be parsed again, whatever its files contain', async t => {
  const source = copySample(folder(t));
  writeFileSync(join(source, '.git/hooks/odd: name\n== x'), '\x1b[2J\n== .git/config\n  a file\r');
  const state = await gitState(source, ['tools/hooks']);
  const text = printGitState(state);
  t.deepEqual(parseGitState(text), new Map([...state].sort(([a], [b]) => (a < b ? -1 : 1))));
  t.notRegex(text, /[\x00-\x09\x0b-\x1f\x7f]/);
});

test("a hook directory from the user's configuration is compared", async t => {
  const source = repository(join(folder(t), 'source'));
  mkdirSync(join(source, '.githooks'));
  const before = await gitState(source, ['.githooks']);
  writeFileSync(join(source, '.githooks/pre-commit'), 'evil');
  t.deepEqual(changedGitState(before, await gitState(source, ['.githooks'])), ['.githooks/pre-commit (new)']);
});

test('the size and time of a comparison are bounded, and excess files are reported', async t => {
  const source = repository(join(folder(t), 'source'));
  const before = await gitState(source);
  for (let count = 0; count < 400; count++) {
    mkdirSync(join(source, `d${count}`));
    const path = join(source, `d${count}/.gitattributes`);
    writeFileSync(path, '');
    truncateSync(path, 256 * 1024);
  }
  const many = await gitState(source);
  t.true(printGitState(many).length < 100 * 2 ** 20);
  const names = changedGitState(before, many);
  t.true(names.includes('(more than is compared) (new)'));
  t.true(names.includes('d399/.gitattributes (new)'), 'compared files are reported as well');

  for (let count = 0; count < 400; count++) rmSync(join(source, `d${count}`), { recursive: true });
  mkdirSync(join(source, 'tools'));
  for (let count = 0; count < 900; count++) {
    writeFileSync(join(source, 'tools', `t${count}`), '');
    symlinkSync('../../tools', join(source, '.git/hooks', `link${count}`));
  }
  const began = Date.now();
  const linked = await gitState(source);
  t.true(Date.now() - began < 60_000);
  t.true(changedGitState(before, linked).includes('(more than is compared) (new)'));
  t.deepEqual(changedGitState(before, await gitState(repository(join(folder(t), 'other')))), []);
});

test('files without stored content are compared by hash', async t => {
  const source = repository(join(folder(t), 'source'), { '.gitattributes': 'a\n' });
  const before = await gitState(source);
  for (let count = 0; count < 40; count++)
    writeFileSync(join(source, '.git/hooks', `x${count}`), 'x'.repeat(256 * 1024));
  writeFileSync(join(source, '.gitattributes'), 'a\n');
  const names = changedGitState(before, parseGitState(printGitState(await gitState(source))));
  t.is(names.length, 40);
  t.false(names.includes('.gitattributes'));
});

test('names that are not UTF-8 are found and escaped unambiguously', async t => {
  const source = repository(join(folder(t), 'source'));
  const below = (path: string) => Buffer.concat([Buffer.from(`${source}/`), Buffer.from(path, 'latin1')]);
  const write = (path: string, text: string) => {
    mkdirSync(below(path.slice(0, path.lastIndexOf('/'))), { recursive: true });
    writeFileSync(below(path), text, 'latin1');
  };
  const names = ['f\xe9', 'f\xe8', 'f\\xe9', '\x1b', '\\e'];
  for (const name of names) write(`${name}/.git/config`, '[core]\n');
  const before = parseGitState(printGitState(await gitState(source)));
  for (const name of names) {
    write(`${name}/.git/hooks/post-commit`, 'evil');
    write(`${name}/.git/config`, '[core]\n\tpager = evil\n');
  }
  write('.git/hooks/\xff', 'evil');
  write('f\xe9/.git/config', '[include]\n\tpath = ../\xfe\n');
  write('f\xe9/\xfe', '[core]\n\tpager = evil\n');
  t.deepEqual(changedGitState(before, await gitState(source)), [
    '.git/hooks/\\xff (new)',
    '\\\\e/.git/config',
    '\\\\e/.git/hooks/post-commit (new)',
    '\\e/.git/config',
    '\\e/.git/hooks/post-commit (new)',
    'f\\\\xe9/.git/config',
    'f\\\\xe9/.git/hooks/post-commit (new)',
    'f\\xe8/.git/config',
    'f\\xe8/.git/hooks/post-commit (new)',
    'f\\xe9/.git/config',
    'f\\xe9/.git/hooks/post-commit (new)',
    'f\\xe9/\\xfe (new)',
  ]);
});
