import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { killed } from '../engine/flow.ts';
import { agent, client as clientOf, clone, identity } from './client.ts';
import { remoteEngine } from './remote-engine.ts';

const remote = await remoteEngine();
remote.upForTests();

const client = (t: ExecutionContext) => clientOf(t, remote);

test.serial('an agent works in a clone on an engine with other files, and its branch comes back', async t => {
  const { here, repository, git, left } = await client(t);
  const script =
    'cat README; git commit --quiet --allow-empty -m two; echo more >file; git tag kept; git stash list';
  const { exitCode, json, stderr } = await here.run({ agents: { fixer: agent(script) } });
  t.is(exitCode, 0, stderr);
  const { workspace } = json.agents.fixer!;
  const branch = `agent-flow/${json.runId}/fixer`;
  t.like(workspace, { branch, path: null });
  t.is(await git('show', '-s', '--format=%s', `${branch}~1`), 'two');
  t.is(await git('show', `${branch}:file`), 'more');
  t.regex(await git('fsck', '--full', '--strict'), /^$|^notice/);
  t.is(await git('status', '--porcelain'), '');
  t.true(existsSync(workspace!.diff!));
  t.true(existsSync(join(repository, '.git', 'refs', 'heads', 'agent-flow', json.runId, 'fixer')));
  t.deepEqual(await left(), [[], []]);
});

test.serial('agents share one sent repository, and one starts from the work of another', async t => {
  const { here, git, left } = await client(t);
  const commit = (name: string) => agent(`echo ${name} >${name}; git add .; git commit --quiet -m ${name}`);
  const { exitCode, json, stderr } = await here.run({
    agents: {
      a: commit('a'),
      b: commit('b'),
      c: { ...agent('cat a; echo c >c'), workspace: { ...clone, from: 'a' }, dependsOn: ['a'] },
    },
  });
  t.is(exitCode, 0, stderr);
  const files = (name: string) => git('ls-tree', '--name-only', `agent-flow/${json.runId}/${name}`);
  t.deepEqual(await Promise.all(['a', 'b', 'c'].map(files)), ['README\na', 'README\nb', 'README\na\nc']);
  t.deepEqual(await left(), [[], []]);
});

test.serial('submodules travel with their repository', async t => {
  const { here, git, left } = await client(t);
  const inner = join(here.path, 'inner');
  await execa('git', ['init', '--quiet', inner]);
  writeFileSync(join(inner, 'lib'), 'inner\n');
  await execa('git', [...identity, '-C', inner, 'add', '.']);
  await execa('git', [...identity, '-C', inner, 'commit', '--quiet', '--message=inner']);
  await git('submodule', '--quiet', 'add', inner, 'libs/inner');
  await git('commit', '--quiet', '--message=submodule');
  const { exitCode, json, stderr } = await here.run({
    agents: { a: agent('cat libs/inner/lib >copy; git -C libs/inner log -1 --format=%s >>copy') },
  });
  t.is(exitCode, 0, stderr);
  t.is(await git('show', `agent-flow/${json.runId}/a:copy`), 'inner\ninner');
  t.deepEqual(await left(), [[], []]);
});

test.serial('nothing that a repository names is executed, here or there', async t => {
  const { here, repository, git, left } = await client(t);
  const mark = join(here.path, 'executed');
  const hook = join(repository, '.git', 'hooks', 'reference-transaction');
  writeFileSync(hook, `#!/bin/sh\ntouch '${mark}'\n`);
  chmodSync(hook, 0o755);
  for (const key of ['core.fsmonitor', 'core.sshCommand', 'uploadpack.packObjectsHook', 'core.pager'])
    await git('config', key, `touch '${mark}'`);
  const { exitCode, stderr } = await here.run({ agents: { a: agent('echo more >file') } });
  t.is(exitCode, 0, stderr);
  t.false(existsSync(mark));
  t.deepEqual(await left(), [[], []]);
});

test.serial(
  'a run that is killed while its agent works is resumed, and its work comes back once',
  async t => {
    const { here, git, docker, left } = await client(t);
    const script = 'echo begun; until [ -e /tmp/go ]; do sleep 0.2; done; echo more >file';
    const container = async () => (await docker('ps', '--quiet', '--filter=label=tmux-agents.agent=a'))[0];
    await killed(here, { agents: { a: agent(script) } }, async () => {
      const id = await container();
      return id !== undefined && (await docker('logs', id)).some(line => line.trim() === 'begun');
    });
    await docker('exec', (await container())!, 'touch', '/tmp/go');
    const { exitCode, json, stderr } = await here.agentFlow(['resume', '--json']);
    t.is(exitCode, 0, stderr);
    t.is(json.agents.a.attempts.length, 1);
    t.is(await git('show', `agent-flow/${json.runId}/a:file`), 'more');
    t.deepEqual(await left(), [[], []]);
  },
);

test.serial('the volume of a container that is kept is removed with it', async t => {
  const { here, left } = await client(t);
  const { exitCode, stderr } = await here.run({
    agents: { a: agent('echo more >file', { keep: 'always' }) },
  });
  t.is(exitCode, 0, stderr);
  const [volumes, containers] = await left();
  t.is(containers.length, 1);
  t.is(volumes.length, 1);
  t.is((await here.agentFlow(['cleanup'])).exitCode, 0);
  t.deepEqual(await left(), [[], []]);
});

test.serial('a mount that cannot be sent is refused before anything starts, with the way out', async t => {
  const { here, left } = await client(t);
  for (const [more, problem] of [
    [
      { workspace: { mode: 'bind', path: 'repository' } },
      /agents\.a\.workspace: at .*repository the Docker engine has other files/,
    ],
    [
      { workspace: { mode: 'none' }, mounts: [{ source: 'repository', target: '/data' }] },
      /agents\.a\.mounts\[0\]\.source: at .* other files/,
    ],
  ] as const) {
    const { exitCode, stderr } = await here.run({ agents: { a: { ...agent('true'), ...more } } });
    t.is(exitCode, 2, stderr);
    t.regex(stderr, problem);
    t.regex(stderr, /; or give both the same files at the same paths$/m);
  }
  t.deepEqual(await left(), [[], []]);
});

for (const megabytes of [10, 300])
  test.serial(`a repository of ${megabytes} MB travels, and only the work comes back`, async t => {
    const { here, repository, git, left } = await client(t);
    const count = megabytes / 10;
    for (let index = 0; index < count; index++)
      writeFileSync(join(repository, `data-${index}`), randomBytes(10 * 2 ** 20));
    await git('add', '.');
    await git('commit', '--quiet', '--message=data');
    const { exitCode, json, stderr } = await here.run({ agents: { a: agent('ls data-* | wc -l >count') } });
    t.is(exitCode, 0, stderr);
    t.is(await git('show', `agent-flow/${json.runId}/a:count`), String(count));
    const packs = readdirSync(join(repository, '.git', 'objects', 'pack')).filter(name =>
      name.endsWith('.pack'),
    );
    t.is(packs.length, 1);
    t.true(statSync(join(repository, '.git', 'objects', 'pack', packs[0]!)).size < 2 ** 20);
    t.log(json.agents.a.attempts[0].timings);
    t.deepEqual(await left(), [[], []]);
  });

test.serial('a copy of a folder travels, and comes back', async t => {
  const { here, repository, left } = await client(t);
  const workspace = { mode: 'copy', path: 'repository' };
  const { exitCode, json, stderr } = await here.run({
    agents: { a: agent('cat README; echo more >file', { workspace }) },
  });
  t.is(exitCode, 0, stderr);
  t.regex(here.transcript('a'), /^one$/m);
  t.is(readFileSync(join(json.agents.a.workspace.path, 'file'), 'utf8'), 'more\n');
  t.false(existsSync(join(repository, 'file')));
  t.deepEqual(await left(), [[], []]);
});

test.serial('the files of a clone with a damaged .git come back, and its volume is reported', async t => {
  const { here, git, left } = await client(t);
  const damages = {
    gone: 'rm -rf .git',
    objects: 'git commit -q --allow-empty -m lost; rm -rf .git/objects',
  };
  const agents = Object.fromEntries(
    Object.entries(damages).map(([name, damage]) => [name, agent(`${damage}; echo ${name} >mine`)]),
  );
  const { exitCode, json, stderr } = await here.run({ agents });
  t.is(exitCode, 0, stderr);
  const volumes = Object.keys(damages).map(name => json.agents[name].workspace.volume);
  for (const name of Object.keys(damages))
    t.is(await git('show', `agent-flow/${json.runId}/${name}:mine`), name);
  const warnings = here.journal().flatMap(event => (event.type === 'warning' ? event.message : []));
  for (const volume of volumes)
    t.true(warnings.some(message => /its \.git was damaged/.test(message) && message.includes(volume)));
  t.deepEqual(await left(), [volumes.toSorted(), []]);
});
