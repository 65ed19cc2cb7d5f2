import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { collectJob } from '../../src/actors/collect-job.ts';
import { deliverJob } from '../../src/actors/folder-clone.ts';
import { type CloneRequest, cloneJob } from '../../src/actors/make-clone.ts';
import { unrestrictedEngine } from '../../src/docker/engine-info.ts';
import { findRepository, type Repository } from '../../src/workspace/repository.ts';
import { commit, folder, hashes, head, repository, run } from '../unit/_helpers/repositories.ts';
import { runJob } from './helper-box.ts';

const engine = {
  ...unrestrictedEngine,
  id: '',
  version: '',
  hostName: null,
  cpus: 2,
  memory: 0,
  rootDir: null,
  systemTime: null,
  isPodman: false,
  swarm: null,
};
const context = { engine, writablePlaces: [], livePlaces: () => [] };
const branch = 'agent-flow/r1234567/fixer';
const refs = 'refs/agent-flow/r1234567/fixer/1';
const who = { name: 'Ada', email: 'ada@example.invalid' };

function found(root: string): Repository {
  const repository = findRepository(root);
  if ('problem' in repository) throw new Error(repository.problem);
  return repository;
}

/** Clone a repository as a run does. */
async function cloneOf(
  t: ExecutionContext,
  source: string,
  more: { commit?: string; name?: string; ignored?: string; fails?: boolean } = {},
) {
  const target = join(folder(t), more.name ?? 'clone');
  mkdirSync(target, { mode: 0o700 });
  const request: CloneRequest = { repository: source, commit: more.commit ?? head(source), branch, target };
  const job = cloneJob(context, request, found(source), target, { ...who, ignored: more.ignored ?? '-' });
  const { stdout, stderr } = await runJob(job);
  if (more.fails !== true) t.regex(stdout, /^cloned$/m, `${stdout}${stderr}`);
  return { target, stdout };
}

/** Run `agent-collect` on a clone. Return its output, and the folder with its files. */
async function collect(t: ExecutionContext, clone: string, base: string) {
  const out = join(folder(t), 'out');
  mkdirSync(out, { mode: 0o700 });
  const job = collectJob({ agent: 'fixer', attempt: 1 }, { branch, refs, base }, { clone, out, spare: null });
  const { stdout, stderr } = await runJob(job);
  return { out, stdout: `${stdout}${stderr}`, commit: /^work ([0-9a-f]+)$/m.exec(stdout)?.[1] ?? '' };
}

const deliver = (source: string, bundle: string, commit: string | null) =>
  runJob(deliverJob(context, found(source), { bundle, branch, refs, commit }));

test('a clone is on its own branch at the commit, and shares no file with the source', async t => {
  const source = repository(join(folder(t), 'source'));
  commit(source, { 'b.txt': 'b\n' });
  run(source, 'remote', 'add', 'origin', 'https://me:secret@example.invalid/me/it.git?x=1');
  run(source, 'config', 'user.name', 'Grace');
  run(source, 'tag', 'one');
  const before = hashes(source);
  const { target } = await cloneOf(t, source);
  t.deepEqual(hashes(source), before);
  t.is(head(target), head(source));
  t.is(run(target, 'symbolic-ref', 'HEAD'), `refs/heads/${branch}`);
  t.is(run(target, 'config', '--local', 'user.name'), 'Grace');
  t.is(run(target, 'config', '--local', 'user.email'), who.email);
  t.is(run(target, 'remote', 'get-url', 'origin'), 'https://example.invalid/me/it.git');
  t.is(run(target, 'status', '--porcelain'), '');
  t.is(run(target, 'tag'), 'one');
  t.is(readFileSync(join(target, 'b.txt'), 'utf8'), 'b\n');
  for (const name of Object.keys(hashes(target))) t.is(statSync(join(target, name)).nlink, 1, name);
});

test('a remote URL keeps no credentials and no path of the host', async t => {
  const source = repository(join(folder(t), 'source'));
  run(source, 'remote', 'add', 'origin', 'x');
  const cases = [
    ['ssh://git:secret@example.invalid:22/me/it.git#x', 'ssh://git@example.invalid:22/me/it.git'],
    ['HTTPS://token@example.invalid/it', 'HTTPS://example.invalid/it'],
    ['git@example.invalid:me/it.git', 'git@example.invalid:me/it.git'],
    ['/home/me/it', ''],
    ['file:///home/me/it', ''],
    ['ext::sh -c evil', ''],
  ] as const;
  for (const [url, expected] of cases) {
    run(source, 'config', 'remote.origin.url', url);
    const { target } = await cloneOf(t, source);
    const config = readFileSync(join(target, '.git', 'config'), 'utf8');
    t.is(/url = (.*)/.exec(config)?.[1] ?? '', expected);
  }
});

test('nothing that the configuration of the source names is executed, while the positive control is', async t => {
  const base = folder(t);
  const source = repository(join(base, 'source'), { 'a.txt': 'a\n', '.gitattributes': '* filter=x\n' });
  const canary = join(base, 'EXECUTED');
  const program = `touch ${canary}; cat`;
  for (const key of [
    'core.fsmonitor',
    'filter.x.clean',
    'filter.x.smudge',
    'core.alternateRefsCommand',
    'uploadpack.packObjectsHook',
    'core.sshCommand',
  ])
    run(source, 'config', key, program);
  writeFileSync(join(source, '.git/hooks/post-checkout'), `#!/bin/sh\ntouch ${canary}\n`, { mode: 0o755 });
  writeFileSync(join(source, 'a.txt'), 'changed\n');
  const { stdout } = await cloneOf(t, source, { ignored: '' });
  t.regex(stdout, /^dirty$/m);
  t.false(existsSync(canary));
  run(source, 'status');
  t.true(existsSync(canary), 'git on the host would have executed it');
});

test('uncommitted changes are reported unless the user ignores them, and nothing is written', async t => {
  const source = repository(join(folder(t), 'source'));
  // The index is stale now: a plain `git status` would write it anew.
  writeFileSync(join(source, 'a.txt'), 'a\n');
  const before = hashes(source);
  t.notRegex((await cloneOf(t, source, { ignored: '' })).stdout, /dirty/);
  writeFileSync(join(source, 'new.txt'), '');
  t.regex((await cloneOf(t, source, { ignored: '' })).stdout, /^dirty$/m);
  t.notRegex((await cloneOf(t, source, { ignored: '*.txt' })).stdout, /dirty/);
  t.deepEqual(
    hashes(source, name => name === 'new.txt'),
    before,
  );
});

test('a clone can start from a commit that is on no branch', async t => {
  const source = repository(join(folder(t), 'source'));
  commit(source, { 'b.txt': 'b\n' });
  const first = head(source);
  run(source, 'reset', '--quiet', '--hard', 'HEAD~');
  t.is(head((await cloneOf(t, source, { commit: first })).target), first);
});

test('linked work trees, shallow repositories and names that are not UTF-8 can be cloned', async t => {
  const base = folder(t);
  const source = repository(join(base, 'source'));
  writeFileSync(Buffer.from(`${source}/caf\xe9.txt`, 'latin1'), 'latin\n');
  commit(source, { 'b.txt': 'b\n' });
  run(source, 'worktree', 'add', '--quiet', '-b', 'side', join(base, 'linked'));
  commit(join(base, 'linked'), { 'c.txt': 'c\n' });
  const linked = (await cloneOf(t, join(base, 'linked'))).target;
  t.is(head(linked), head(join(base, 'linked')));
  t.true(statSync(join(linked, '.git')).isDirectory());
  const names = readdirSync(linked, { encoding: 'buffer' }).map(name => name.toString('latin1'));
  t.true(names.includes('caf\xe9.txt'));

  run(base, 'clone', '--quiet', '--depth=1', `file://${source}`, 'shallow');
  const shallow = (await cloneOf(t, join(base, 'shallow'))).target;
  t.is(head(shallow), head(source));
  t.is(run(shallow, 'rev-list', '--count', 'HEAD'), '1');
});

test('a repository in the source that only the commit of an agent calls a submodule is not cloned', async t => {
  const base = folder(t);
  const library = repository(join(base, 'library'));
  const source = repository(join(base, 'source'), { '.gitignore': '/private\n' });
  run(source, 'submodule', '--quiet', 'add', library, 'lib');
  run(source, 'commit', '--quiet', '-m', 'lib');
  const known = head(repository(join(source, 'private')));
  commit(join(source, 'private'), { 'secret.txt': 'secret\n' });
  const work = join(base, 'work');
  run(base, 'clone', '--quiet', source, work);
  for (const [key, value] of [
    ['path', 'private'],
    ['url', './private'],
  ] as const)
    run(work, 'config', '--file=.gitmodules', `submodule.private.${key}`, value);
  run(work, 'update-index', '--add', '--cacheinfo', `160000,${known},private`);
  run(work, 'add', '.gitmodules');
  run(work, 'commit', '--quiet', '-m', 'agent');
  run(source, 'fetch', '--quiet', work, 'HEAD:refs/heads/agent');
  const { target } = await cloneOf(t, source, { commit: run(source, 'rev-parse', 'agent') });
  t.true(existsSync(join(target, 'lib/a.txt')), 'a submodule of the source is');
  t.deepEqual(readdirSync(join(target, 'private')), []);
  t.false(existsSync(join(target, '.git/modules/private')));
});

test('submodules, nested ones too, are cloned from the copies in the source', async t => {
  const base = folder(t);
  const inner = repository(join(base, 'inner'), { 'inner.txt': 'inner\n' });
  const middle = repository(join(base, 'middle'), { 'middle.txt': 'middle\n' });
  run(middle, 'submodule', '--quiet', 'add', inner, 'in side');
  commit(middle, {});
  const source = repository(join(base, 'source'));
  run(source, 'submodule', '--quiet', 'add', middle, 'lib');
  run(source, 'submodule', '--quiet', 'add', inner, 'second');
  run(source, 'submodule', '--quiet', 'update', '--init', '--recursive');
  commit(source, {});
  const before = hashes(source);
  const { target } = await cloneOf(t, source);
  t.is(readFileSync(join(target, 'lib', 'in side', 'inner.txt'), 'utf8'), 'inner\n');
  t.is(readFileSync(join(target, 'second', 'inner.txt'), 'utf8'), 'inner\n');
  t.is(run(target, 'status', '--porcelain'), '');
  t.notRegex(readFileSync(join(target, '.git', 'config'), 'utf8'), /file:/);
  t.notRegex(readFileSync(join(target, '.git', 'modules', 'lib', 'config'), 'utf8'), /file:/);
  t.deepEqual(hashes(source), before);
});

test('a submodule that leads to another repository in any way is refused', async t => {
  const ways: Readonly<Record<string, (source: string) => void>> = {
    'a link is on the path'(source) {
      rmSync(join(source, 'lib'), { recursive: true });
      symlinkSync('private', join(source, 'lib'));
    },
    'leads to another repository'(source) {
      writeFileSync(join(source, 'lib', '.git'), 'gitdir: ../private/.git\n');
    },
    'its objects is a link'(source) {
      rmSync(join(source, '.git/modules/lib/objects'), { recursive: true });
      symlinkSync('../../../private/.git/objects', join(source, '.git/modules/lib/objects'));
    },
  };
  for (const [reason, lead] of Object.entries(ways)) {
    const base = folder(t);
    const library = repository(join(base, 'library'));
    const source = repository(join(base, 'source'));
    run(source, 'submodule', '--quiet', 'add', library, 'lib');
    commit(source, {});
    repository(join(source, 'private'), { 'private.txt': 'private\n' });
    lead(source);
    const { stdout, target } = await cloneOf(t, source, { fails: true });
    t.regex(stdout, new RegExp(`^failed .*${reason}`, 'm'));
    t.false(existsSync(join(target, 'lib', 'private.txt')));
  }
});

test('a partial clone that lacks objects is refused with the fix', async t => {
  const base = folder(t);
  const source = repository(join(base, 'source'), { 'big.txt': 'big\n' });
  run(source, 'config', 'uploadpack.allowFilter', 'true');
  run(base, 'clone', '--quiet', '--filter=blob:none', '--no-checkout', `file://${source}`, 'partial');
  const { stdout } = await cloneOf(t, join(base, 'partial'), { fails: true });
  t.regex(
    stdout,
    /^failed it is a partial clone that lacks objects\. Make it whole first: git fetch --refetch/m,
  );
});

test('filters are reported with the number of their files, and never run', async t => {
  const source = repository(join(folder(t), 'source'), {
    '.gitattributes': '*.bin filter=lfs -text\n*.txt text\n',
    'one.bin': 'pointer\n',
    'two.bin': 'pointer\n',
    'a.txt': 'a\n',
  });
  t.regex((await cloneOf(t, source, { ignored: '' })).stdout, /^filter lfs 2 one\.bin$/m);
  t.notRegex((await cloneOf(t, source)).stdout, /^filter/m, 'it is checked once');
});

test('work is delivered as one branch, and nothing else of the repository changes', async t => {
  const source = repository(join(folder(t), 'source'));
  const base = head(source);
  const { target } = await cloneOf(t, source);
  commit(target, { 'b.txt': 'b\n' });
  writeFileSync(join(target, 'c.txt'), 'c\n');
  const { out, commit: made, stdout } = await collect(t, target, base);
  t.regex(stdout, /^work [0-9a-f]{40}$/m);
  const isNew = (name: string) => /^\.git\/(objects|(logs\/)?refs\/heads\/agent-flow)/.test(name);
  writeFileSync(join(source, '.git/hooks/reference-transaction'), '#!/bin/sh\ntouch ran\n', { mode: 0o755 });
  const before = hashes(source, isNew);
  const delivered = await deliver(source, out, made);
  t.is(delivered.stdout, `delivered ${made}\n`, delivered.stderr);
  t.is(run(source, 'show', `${branch}:b.txt`), 'b');
  t.is(run(source, 'show', `${branch}:c.txt`), 'c');
  t.deepEqual(hashes(source, isNew), before);

  // Once more: the branch moves, unless it is checked out.
  t.is((await deliver(source, out, made)).stdout, `delivered ${made}\n`);
  run(source, 'symbolic-ref', 'HEAD', `refs/heads/${branch}`);
  run(source, 'update-ref', `refs/heads/${branch}`, base);
  t.regex((await deliver(source, out, made)).stdout, /^failed .*checked out/m);
  t.is(head(source, branch), base);
});

test('a pipe among the objects is refused without blocking', async t => {
  const source = repository(join(folder(t), 'source'));
  run(source, '-c', 'alias.pipe=!mkfifo .git/objects/pack/pack-1.idx .git/objects/pack/pack-1.pack', 'pipe');
  t.regex(
    (await cloneOf(t, source, { fails: true })).stdout,
    /^failed something among its objects is not a file$/m,
  );
});

test('trees and submodules that attack a checkout are not delivered', async t => {
  const base = folder(t);
  const source = repository(join(base, 'source'));
  const attacks = [
    (work: string) => {
      const modules = '[submodule "../../x"]\n\tpath = x\n\turl = ./x\n\tupdate = !touch x\n';
      commit(work, { '.gitmodules': modules });
    },
    (work: string) => {
      const blob = run(work, 'hash-object', '-w', 'a.txt');
      const entry = Buffer.concat([Buffer.from('100644 .git\0'), Buffer.from(blob, 'hex')]);
      writeFileSync(join(base, 'tree'), entry);
      const tree = run(work, 'hash-object', '-t', 'tree', '-w', '--literally', join(base, 'tree'));
      run(work, 'update-ref', 'HEAD', run(work, 'commit-tree', '-p', 'HEAD', '-m', 'x', tree));
    },
  ];
  for (const [index, attack] of attacks.entries()) {
    const work = join(base, `work${index}`);
    const out = join(base, `out${index}`);
    run(base, 'clone', '--quiet', source, work);
    attack(work);
    run(work, 'branch', branch);
    mkdirSync(out);
    run(work, 'bundle', 'create', '--quiet', join(out, 'work.bundle'), branch, `^${head(source)}`);
    const { stdout } = await deliver(source, out, head(work));
    t.regex(stdout, /^failed .*(disallowed submodule name|contains '?\.git)/m, stdout);
    t.throws(() => run(source, 'rev-parse', '--verify', '--quiet', `refs/heads/${branch}`));
    t.throws(() => run(source, 'cat-file', '-e', head(work)), undefined, 'nor are its objects');
  }
});

test('a file that is not a bundle is not delivered', async t => {
  const source = repository(join(folder(t), 'source'));
  const bundle = folder(t);
  writeFileSync(join(bundle, 'work.bundle'), 'nothing of the kind');
  t.regex((await deliver(source, bundle, head(source))).stdout, /^failed /m);
});

/** Attacks that an agent may leave in its clone; each runs a program that would leave a trace. */
const hostile: Readonly<Record<string, (clone: string, program: string) => void>> = {
  'its configuration'(clone, program) {
    run(clone, 'config', 'filter.x.clean', program);
    run(clone, 'config', 'core.fsmonitor', program);
  },
  'a commondir file'(clone, program) {
    mkdirSync(join(clone, 'evil'));
    for (const name of ['objects', 'refs', 'HEAD', 'config'])
      run(clone, '-c', `alias.cp=!cp -r .git/${name} evil/`, 'cp');
    run(clone, 'config', '--file=evil/config', 'filter.x.clean', program);
    writeFileSync(join(clone, '.git', 'commondir'), '../evil');
  },
  'a config.worktree'(clone, program) {
    run(clone, 'config', 'extensions.worktreeConfig', 'true');
    run(clone, 'config', '--worktree', 'filter.x.clean', program);
  },
  'an included file'(clone, program) {
    writeFileSync(join(clone, 'more'), `[filter "x"]\n\tclean = "${program}"\n`);
    run(clone, 'config', 'include.path', '../more');
  },
  'an inner repository'(clone, program) {
    repository(join(clone, 'inside'), { 'a.txt': 'a\n', '.gitattributes': '* filter=x\n' });
    run(clone, 'add', 'inside');
    run(clone, 'commit', '--quiet', '--message=inside');
    run(join(clone, 'inside'), 'config', 'filter.x.clean', program);
    run(join(clone, 'inside'), 'config', 'core.fsmonitor', program);
    writeFileSync(join(clone, 'inside', 'a.txt'), 'changed\n');
  },
  'an unmerged inner repository'(clone, program) {
    repository(join(clone, 'inside'), { 'a.txt': 'a\n' });
    const at = head(join(clone, 'inside'));
    run(join(clone, 'inside'), 'config', 'core.fsmonitor', program);
    writeFileSync(join(clone, 'inside', 'a.txt'), 'changed\n');
    const entries = [`160000 ${at} 0\tinside`, `160000 ${at} 1\taaa`, `160000 ${at} 2\taaa`].join('\n');
    execFileSync('git', ['update-index', '--index-info'], { cwd: clone, input: `${entries}\n` });
  },
  'an inner repository whose name is not text'(clone, program) {
    const inside = join(clone, 'in\u0001side');
    repository(inside, { 'a.txt': 'a\n' });
    run(clone, 'add', '--all');
    run(clone, 'commit', '--quiet', '--message=inside');
    run(inside, 'config', 'core.fsmonitor', program);
    writeFileSync(join(inside, 'a.txt'), 'changed\n');
  },
  'hooks and attributes'(clone, program) {
    mkdirSync(join(clone, '.git/hooks'), { recursive: true });
    mkdirSync(join(clone, '.git/info'), { recursive: true });
    for (const hook of ['pre-commit', 'post-index-change', 'reference-transaction'])
      writeFileSync(join(clone, '.git/hooks', hook), `#!/bin/sh\n${program}\n`, { mode: 0o755 });
    writeFileSync(join(clone, '.git/info/attributes'), '* filter=x\n');
  },
};

for (const [title, plant] of Object.entries(hostile))
  test(`${title} of a clone runs nothing when its work is collected, though git itself would run it`, async t => {
    const source = repository(join(folder(t), 'source'), {
      'a.txt': 'a\n',
      '.gitattributes': '* filter=x\n',
    });
    const base = head(source);
    const { target } = await cloneOf(t, source);
    // The path on the host, and in the helper.
    const traces = [join(target, 'EXECUTED'), '/workspace/EXECUTED'];
    plant(target, `touch ${traces.join(' ')} 2>/dev/null; cat`);
    writeFileSync(join(target, 'a.txt'), 'changed\n');
    const { stdout } = await collect(t, target, base);
    t.regex(stdout, /^work [0-9a-f]{40}$/m);
    t.false(existsSync(traces[0]!));
    // The control: unprotected git in the same place.
    run(target, 'add', '--all');
    run(target, 'commit', '--quiet', '--allow-empty', '--message=control');
    run(target, 'status');
    t.true(existsSync(traces[0]!), 'git on the host would have executed it');
  });

test('a clone that remains has no setuid bits, and a damaged index loses no commit', async t => {
  const source = repository(join(folder(t), 'source'));
  const base = head(source);
  const { target } = await cloneOf(t, source);
  commit(target, { 'b.txt': 'b\n' });
  writeFileSync(join(target, '.git/index'), 'damaged');
  writeFileSync(join(target, 'rootly'), 'x');
  run(target, '-c', 'alias.do=!chmod 6755 rootly', 'do');
  const { out, commit: made, stdout } = await collect(t, target, base);
  t.regex(stdout, /^work /m);
  t.is(statSync(join(target, 'rootly')).mode & 0o7777, 0o755);
  t.is((await deliver(source, out, made)).stdout, `delivered ${made}\n`);
  t.is(run(source, 'show', `${branch}:b.txt`), 'b');
});

test('an inner repository without a commit is not saved, and is reported', async t => {
  const source = repository(join(folder(t), 'source'));
  const base = head(source);
  const { target } = await cloneOf(t, source);
  commit(target, { 'b.txt': 'b\n' });
  writeFileSync(join(target, 'c.txt'), 'c\n');
  run(target, 'init', '--quiet', 'nested');
  const { out, commit: made, stdout } = await collect(t, target, base);
  t.regex(stdout, /^work /m);
  t.regex(stdout, /^left there is work in repositories inside it/m);
  await deliver(source, out, made);
  t.deepEqual(run(source, 'ls-tree', '--name-only', branch).split('\n'), ['a.txt', 'b.txt', 'c.txt']);
});

test('every commit is saved, with the refs that name it, or a ref by its id', async t => {
  const source = repository(join(folder(t), 'source'));
  commit(source, { 'b.txt': 'b\n' });
  const base = head(source);
  const { target } = await cloneOf(t, source);
  const made: string[] = [];
  const work = (name: string) => made.push(head(commit(target, { [name]: name })));
  const git = (...args: readonly string[]) => run(target, ...args);
  work('discarded.txt');
  git('reset', '--quiet', '--hard', base);
  git('checkout', '--quiet', '-b', 'deleted');
  work('deleted.txt');
  git('checkout', '--quiet', '-b', 'side', base);
  work('side.txt');
  git('branch', '--quiet', '-D', 'deleted');
  git('checkout', '--quiet', '--detach', base);
  work('tagged.txt');
  git('tag', '-a', '-m', 'release', 'v1');
  writeFileSync(join(target, 'a.txt'), 'stashed\n');
  git('stash', '--quiet');
  made.push(head(target, 'stash'));
  git('checkout', '--quiet', branch);
  git('commit', '--quiet', '--amend', '--allow-empty', '-m', 'amended base');
  made.push(head(target));
  work('last.txt');
  git('reflog', 'expire', '--expire=now', 'HEAD');
  const { out, commit: result, stdout } = await collect(t, target, base);
  t.regex(stdout, /^refs 5\n$/m, stdout);
  t.is(result, head(target));
  t.is((await deliver(source, out, result)).stdout, `delivered ${result}\n`);
  t.deepEqual(
    run(source, 'for-each-ref', '--format=%(refname)', 'refs/agent-flow').split('\n').sort(),
    [...made.slice(0, 2).map(id => `unnamed/${id}`), 'heads/side', 'stash', 'tags/v1']
      .map(name => `${refs}/${name}`)
      .sort(),
  );
  const saved = run(source, 'rev-list', '--all').split('\n');
  t.deepEqual(
    made.filter(id => !saved.includes(id)),
    [],
  );
});

test('a missing, empty or unreadable object loses no file of the work tree and no other commit', async t => {
  const source = repository(join(folder(t), 'source'));
  const base = head(source);
  const damages: Readonly<Record<string, (file: string) => void>> = {
    missing: rmSync,
    empty: file => writeFileSync(file, ''),
    unreadable: file => writeFileSync(file, 'junk'),
  };
  for (const [title, damage] of Object.entries(damages)) {
    const { target } = await cloneOf(t, source, { name: title });
    const first = head(commit(target, { 'b.txt': 'b\n' }));
    const second = head(commit(target, { 'c.txt': `${title}\n` }));
    const lost = head(target, 'HEAD:c.txt');
    commit(target, { 'c.txt': 'later\n' });
    const file = join(target, '.git/objects', lost.slice(0, 2), lost.slice(2));
    run(target, 'reflog', 'expire', '--expire=now', '--all');
    chmodSync(file, 0o644);
    damage(file);
    const { out, commit: made, stdout } = await collect(t, target, base);
    t.true(stdout.includes(`left its commit ${head(target)} lacks objects`), `${title}: ${stdout}`);
    t.true(stdout.includes(second), 'each of them is named');
    t.is((await deliver(source, out, made)).stdout, `delivered ${made}\n`);
    t.is(run(source, 'show', `${made}:c.txt`), 'later');
    t.is(run(source, 'rev-list', '--all').split('\n').includes(first), true);
  }
});

test('an unreadable object is recreated from the work tree', async t => {
  const source = repository(join(folder(t), 'source'));
  const base = head(source);
  const { target } = await cloneOf(t, source);
  commit(target, { 'b.txt': 'b\n' });
  const lost = head(target, 'HEAD:b.txt');
  const file = join(target, '.git/objects', lost.slice(0, 2), lost.slice(2));
  chmodSync(file, 0o644);
  writeFileSync(file, 'junk');
  const { out, commit: made, stdout } = await collect(t, target, base);
  t.notRegex(stdout, /^left/m);
  t.is((await deliver(source, out, made)).stdout, `delivered ${made}\n`);
  t.is(run(source, 'show', `${made}:b.txt`), 'b');
  t.true(run(source, 'rev-list', '--all').split('\n').includes(head(target)));
});

test('a damaged commit that only a branch names is reported', async t => {
  const source = repository(join(folder(t), 'source'));
  const base = head(source);
  const { target } = await cloneOf(t, source);
  const lost = head(commit(target, { 'b.txt': 'b\n' }));
  rmSync(join(target, '.git/objects', lost.slice(0, 2), lost.slice(2)));
  writeFileSync(join(target, '.git/HEAD'), 'junk');
  const { stdout } = await collect(t, target, base);
  t.regex(stdout, /^work /m);
  t.regex(stdout, new RegExp(`^left .*these commits are missing: ${lost}`, 'm'));
});

test('files that git was configured to ignore are saved as they are, changed or deleted', async t => {
  const source = repository(join(folder(t), 'source'), { 'a.txt': 'a\n', 'b.txt': 'b\n', 'c.txt': 'c\n' });
  const base = head(source);
  const { target } = await cloneOf(t, source);
  run(target, 'update-index', '--skip-worktree', 'a.txt', 'c.txt');
  run(target, 'update-index', '--assume-unchanged', 'b.txt');
  for (const name of ['a.txt', 'b.txt']) writeFileSync(join(target, name), 'changed\n');
  rmSync(join(target, 'c.txt'));
  const { out, commit: made } = await collect(t, target, base);
  await deliver(source, out, made);
  t.is(run(source, 'diff', '--name-status', base, made), 'M\ta.txt\nM\tb.txt\nD\tc.txt');
});

test('a checkout of an older commit, a branch or a bisection is not work', async t => {
  const source = repository(join(folder(t), 'source'));
  for (const name of ['b.txt', 'c.txt']) commit(source, { [name]: name });
  run(source, 'checkout', '--quiet', '-b', 'side', 'HEAD~2');
  commit(source, { 'side.txt': 'side\n' });
  run(source, 'checkout', '--quiet', 'main');
  const base = head(source);
  const looks = [
    ['checkout', '--quiet', 'HEAD~1'],
    ['reset', '--quiet', '--hard', 'HEAD~1'],
    ['checkout', '--quiet', '-b', 'side', 'origin/side'],
    ['bisect', 'start', 'HEAD', 'HEAD~2'],
    ['tag', 'old', 'HEAD~1'],
  ];
  for (const look of looks) {
    const { target } = await cloneOf(t, source);
    run(target, ...look);
    t.is((await collect(t, target, base)).stdout, 'nothing\n', look.join(' '));
  }
});

test('a checkout of another commit is not work even if HEAD cannot be read', async t => {
  const source = repository(join(folder(t), 'source'));
  for (const name of ['b.txt', 'c.txt']) commit(source, { [name]: name });
  const base = head(source);
  for (const hasLog of [true, false]) {
    const { target } = await cloneOf(t, source);
    run(target, 'checkout', '--quiet', 'HEAD~1');
    if (!hasLog) run(target, 'reflog', 'expire', '--expire=now', '--all');
    writeFileSync(join(target, '.git/HEAD'), 'junk');
    t.is((await collect(t, target, base)).stdout, 'nothing\n', `with a log of HEAD: ${hasLog}`);
  }
});

test('files that git considers changed right after a checkout are not work', async t => {
  const source = repository(join(folder(t), 'source'), { 'crlf.txt': 'one\r\ntwo\r\n', 'more.txt': 'x\r\n' });
  commit(source, { '.gitattributes': '*.txt text\n' });
  const base = head(source);
  const { target } = await cloneOf(t, source);
  t.is((await collect(t, target, base)).stdout, 'nothing\n');
  writeFileSync(join(target, 'more.txt'), 'y\r\n');
  const { out, commit: made } = await collect(t, target, base);
  await deliver(source, out, made);
  t.is(run(source, 'diff', '--name-only', base, made), 'more.txt');
});

test('the work of an earlier attempt on the branch stays in the repository', async t => {
  const source = repository(join(folder(t), 'source'));
  const base = head(source);
  for (const name of ['first.txt', 'second.txt']) {
    const { target } = await cloneOf(t, source);
    commit(target, { [name]: name });
    const { out, commit: made } = await collect(t, target, base);
    t.is((await deliver(source, out, made)).stdout, `delivered ${made}\n`);
  }
  const kept = run(source, 'for-each-ref', '--format=%(refname)', 'refs/agent-flow');
  t.regex(kept, /^refs\/agent-flow\/r1234567\/fixer\/1\/replaced\/[0-9a-f]{40}$/);
  t.is(run(source, 'show', `${kept}:first.txt`), 'first.txt');
});

test('a path is exported without following links, and a path through a link is refused', async t => {
  const base = folder(t);
  const workspace = join(base, 'w');
  mkdirSync(join(workspace, 'dist/deep'), { recursive: true });
  writeFileSync(join(workspace, 'dist/deep/a.txt'), 'a\n');
  run(
    '.',
    '-c',
    `alias.ln=!ln -s /etc ${join(workspace, 'etc')}; ln -s /etc/passwd ${join(workspace, 'dist/passwd')}`,
    'ln',
  );
  const list = async (path: string) => {
    const mounts = [{ source: workspace, target: '/workspace' }];
    const { stdout, stderr, exitCode } = await runJob({
      command: 'agent-export',
      args: [path],
      mounts,
      user: '0',
    });
    return { exitCode, stderr, isFile: stdout.includes('a.txt'), hasPasswd: stdout.includes('root:x:') };
  };
  t.like(await list('dist'), { exitCode: 0, isFile: true, hasPasswd: false });
  t.like(await list('dist/deep'), { exitCode: 0, isFile: true });
  t.like(await list('etc/passwd'), { exitCode: 4, stderr: 'etc is a link, which is not followed\n' });
  t.like(await list('none'), { exitCode: 3 });
});
