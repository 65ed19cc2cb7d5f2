import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { checkWorkspaces } from '../../../src/preflight/check-workspaces.ts';
import { parseSpec } from '../../../src/spec/load.ts';
import { folder, repository, run } from '../_helpers/repositories.ts';

/** What is said of an agent whose workspace is this directory of `base`. */
async function saidOf(base: string, path: string, more: object = {}): Promise<string> {
  const spec = { agents: { worker: { command: ['x'], workspace: path, ...more } } };
  const plan = await parseSpec(JSON.stringify(spec), { path: join(base, 'flow.json'), env: {} });
  return checkWorkspaces(plan)
    .warnings.filter(message => message.startsWith('git does not work'))
    .join('\n');
}

/** A folder with a repository `main` in it. */
function desk(t: ExecutionContext) {
  const base = folder(t);
  return { base, main: repository(join(base, 'main')) };
}

interface Layout {
  readonly title: string;
  /** Returns the directory that is bound, relative to `base`. */
  readonly make: (desk: { base: string; main: string }) => string;
  readonly said: RegExp;
}

const layouts: readonly Layout[] = [
  {
    title: 'a subdirectory',
    make({ main }) {
      mkdirSync(join(main, 'flows'));
      return 'main/flows';
    },
    said: /^git does not work in the container of worker: \S+\/main\/flows is a directory of the repository \S+\/main, .*"mode": "clone"/,
  },
  {
    title: 'a linked work tree',
    make({ main }) {
      run(main, 'worktree', 'add', '--quiet', '../linked');
      return 'linked';
    },
    said: /: the \.git of \S+\/linked leads to \S+\/main\/\.git\/worktrees\/linked, which is not in the container\. .*"clone"/,
  },
  {
    title: 'a subdirectory of a linked work tree',
    make({ base, main }) {
      run(main, 'worktree', 'add', '--quiet', '../linked');
      mkdirSync(join(base, 'linked', 'deep'));
      return 'linked/deep';
    },
    said: /: \S+\/linked\/deep is a directory of the repository \S+\/linked,/,
  },
  {
    title: 'a submodule',
    make({ base, main }) {
      repository(join(base, 'library'));
      run(main, 'submodule', '--quiet', 'add', '../library', 'library');
      return 'main/library';
    },
    said: /: the \.git of \S+\/main\/library leads to \S+\/main\/\.git\/modules\/library, which is not in the container/,
  },
  {
    title: 'a work tree with a separate git directory',
    make({ base }) {
      run(base, 'init', '--quiet', '--separate-git-dir', 'store', 'apart');
      return 'apart';
    },
    said: /: the \.git of \S+\/apart leads to \S+\/store, which is not in the container\. .*name a clone of it: git clone \S+$/,
  },
  {
    title: 'a .git that is a link to the outside',
    make({ base, main }) {
      renameSync(join(main, '.git'), join(base, 'store'));
      symlinkSync('../store', join(main, '.git'));
      return 'main';
    },
    said: /: the \.git of \S+\/main leads to \S+\/store, which is not in the container\. .*name a clone of it: git clone \S+$/,
  },
  {
    title: 'a clone that borrows objects',
    make({ base }) {
      run(base, 'clone', '--quiet', '--shared', 'main', 'shared');
      return 'shared';
    },
    said: /: \S+\/shared borrows objects from \S+\/main\/\.git\/objects, which is not in the container\. .*git repack -a -d/,
  },
  {
    title: 'objects that are a link',
    make({ base, main }) {
      renameSync(join(main, '.git', 'objects'), join(base, 'objects'));
      symlinkSync(join(base, 'objects'), join(main, '.git', 'objects'));
      return 'main';
    },
    said: /: the objects of \S+\/main are a link to \S+\/objects, which is not in the container/,
  },
  {
    title: 'a core.worktree that is an absolute path',
    make({ main }) {
      run(main, 'config', 'core.worktree', main);
      return 'main';
    },
    said: /: the configuration of \S+\/main names a work tree that is not in the container: core\.worktree is .*--unset core\.worktree$/,
  },
];

for (const { title, make, said } of layouts)
  test(`a bind in whose container git does not work is reported before the start: ${title}`, async t => {
    const place = desk(t);
    t.regex(await saidOf(place.base, make(place)), said);
  });

test('nothing is reported where git works, and where there is no repository', async t => {
  const { base, main } = desk(t);
  mkdirSync(join(base, 'plain', 'deep'), { recursive: true });
  mkdirSync(join(base, 'empty', '.git'), { recursive: true });
  repository(join(base, 'library'));
  run(main, 'submodule', '--quiet', 'add', '../library', 'library');
  const inside = repository(join(base, 'inside'));
  renameSync(join(inside, '.git'), join(inside, '.store'));
  symlinkSync('.store', join(inside, '.git'));
  for (const path of ['main', 'plain', 'plain/deep', 'empty', 'inside'])
    t.is(await saidOf(base, path), '', path);
});

test('a mount may bring what a linked work tree needs', async t => {
  const { base, main } = desk(t);
  run(main, 'worktree', 'add', '--quiet', '../linked');
  const mounts = [{ source: join(main, '.git'), target: join(main, '.git') }];
  t.is(await saidOf(base, 'linked', { mounts }), '');
  rmSync(join(main, '.git', 'worktrees'), { recursive: true });
  t.is(await saidOf(base, 'linked'), '', 'git does not work on the host either');
});

test('agents of one workspace share a line', async t => {
  const { base, main } = desk(t);
  mkdirSync(join(main, 'flows'));
  const agent = { command: ['x'], workspace: 'main/flows' };
  const plan = await parseSpec(JSON.stringify({ agents: { one: agent, two: agent } }), {
    path: join(base, 'flow.json'),
    env: {},
  });
  const { warnings } = checkWorkspaces(plan);
  t.is(warnings.length, 1);
  t.regex(warnings[0]!, /^git does not work in the container of one, two: /);
});
