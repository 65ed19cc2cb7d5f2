import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { checkWorkspaces } from '../../../src/preflight/check-workspaces.ts';
import { parseSpec } from '../../../src/spec/load.ts';
import { folder, repository, run } from '../_helpers/repositories.ts';

/** Return the warnings about git for an agent whose workspace is this directory of `base`. */
async function gitWarnings(base: string, path: string, more: object = {}): Promise<string> {
  const spec = { agents: { worker: { command: ['x'], workspace: path, ...more } } };
  const plan = await parseSpec(JSON.stringify(spec), { path: join(base, 'flow.json'), env: {} });
  return checkWorkspaces(plan)
    .warnings.filter(message => message.startsWith('git does not work'))
    .join('\n');
}

/** Create a folder with a repository `main`. */
function fixture(t: ExecutionContext) {
  const base = folder(t);
  return { base, main: repository(join(base, 'main')) };
}

interface Layout {
  readonly title: string;
  /** Create the layout, and return the directory to bind, relative to `base`. */
  readonly make: (fixture: { base: string; main: string }) => string;
  readonly warning: RegExp;
}

const layouts: readonly Layout[] = [
  {
    title: 'a subdirectory',
    make({ main }) {
      mkdirSync(join(main, 'flows'));
      return 'main/flows';
    },
    warning:
      /^git does not work in the container of worker: \S+\/main\/flows is a directory of the repository \S+\/main, .*"mode": "clone"/,
  },
  {
    title: 'a linked work tree',
    make({ main }) {
      run(main, 'worktree', 'add', '--quiet', '../linked');
      return 'linked';
    },
    warning:
      /: the \.git of \S+\/linked leads to \S+\/main\/\.git\/worktrees\/linked, which is not in the container\. .*"clone"/,
  },
  {
    title: 'a subdirectory of a linked work tree',
    make({ base, main }) {
      run(main, 'worktree', 'add', '--quiet', '../linked');
      mkdirSync(join(base, 'linked', 'deep'));
      return 'linked/deep';
    },
    warning: /: \S+\/linked\/deep is a directory of the repository \S+\/linked,/,
  },
  {
    title: 'a submodule',
    make({ base, main }) {
      repository(join(base, 'library'));
      run(main, 'submodule', '--quiet', 'add', '../library', 'library');
      return 'main/library';
    },
    warning:
      /: the \.git of \S+\/main\/library leads to \S+\/main\/\.git\/modules\/library, which is not in the container/,
  },
  {
    title: 'a work tree with a separate git directory',
    make({ base }) {
      run(base, 'init', '--quiet', '--separate-git-dir', 'store', 'apart');
      return 'apart';
    },
    warning:
      /: the \.git of \S+\/apart leads to \S+\/store, which is not in the container\. .*name a clone of it: git clone \S+$/,
  },
  {
    title: 'a .git that links to the outside',
    make({ base, main }) {
      renameSync(join(main, '.git'), join(base, 'store'));
      symlinkSync('../store', join(main, '.git'));
      return 'main';
    },
    warning:
      /: the \.git of \S+\/main leads to \S+\/store, which is not in the container\. .*name a clone of it: git clone \S+$/,
  },
  {
    title: 'a clone that borrows objects',
    make({ base }) {
      run(base, 'clone', '--quiet', '--shared', 'main', 'shared');
      return 'shared';
    },
    warning:
      /: \S+\/shared borrows objects from \S+\/main\/\.git\/objects, which is not in the container\. .*git repack -a -d/,
  },
  {
    title: 'an objects directory that is a link',
    make({ base, main }) {
      renameSync(join(main, '.git', 'objects'), join(base, 'objects'));
      symlinkSync(join(base, 'objects'), join(main, '.git', 'objects'));
      return 'main';
    },
    warning: /: the objects of \S+\/main are a link to \S+\/objects, which is not in the container/,
  },
  {
    title: 'an absolute core.worktree',
    make({ main }) {
      run(main, 'config', 'core.worktree', main);
      return 'main';
    },
    warning:
      /: the configuration of \S+\/main names a work tree that is not in the container: core\.worktree is .*--unset core\.worktree$/,
  },
];

for (const { title, make, warning } of layouts)
  test(`a bound workspace in which git does not work is reported: ${title}`, async t => {
    const created = fixture(t);
    t.regex(await gitWarnings(created.base, make(created)), warning);
  });

test('a workspace in which git works, or without a repository, is not reported', async t => {
  const { base, main } = fixture(t);
  mkdirSync(join(base, 'plain', 'deep'), { recursive: true });
  mkdirSync(join(base, 'empty', '.git'), { recursive: true });
  repository(join(base, 'library'));
  run(main, 'submodule', '--quiet', 'add', '../library', 'library');
  const inside = repository(join(base, 'inside'));
  renameSync(join(inside, '.git'), join(inside, '.store'));
  symlinkSync('.store', join(inside, '.git'));
  for (const path of ['main', 'plain', 'plain/deep', 'empty', 'inside'])
    t.is(await gitWarnings(base, path), '', path);
});

test('a mount of the git directory makes a linked work tree usable', async t => {
  const { base, main } = fixture(t);
  run(main, 'worktree', 'add', '--quiet', '../linked');
  const mounts = [{ source: join(main, '.git'), target: join(main, '.git') }];
  t.is(await gitWarnings(base, 'linked', { mounts }), '');
  rmSync(join(main, '.git', 'worktrees'), { recursive: true });
  t.is(await gitWarnings(base, 'linked'), '', 'git does not work on the host either');
});

test('agents that share a workspace share a warning', async t => {
  const { base, main } = fixture(t);
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
