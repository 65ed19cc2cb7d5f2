import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { commit, hashes, head, repository, run } from '../unit/_helpers/repositories.ts';
import { eventually, isRunning, type Place, place, small } from './flow.ts';

const sh = (script: string) => ({ command: ['sh', '-c', script], ...small });
const clone = (more: object = {}) => ({ workspace: { mode: 'clone', path: 'source', ...more } });

/** A place with a repository of one commit in it. */
function setUp(t: ExecutionContext) {
  const here = place(t);
  const source = repository(join(here.path, 'source'));
  const branchOf = (agent: string, runId = here.runId()) => `agent-flow/${runId}/${agent}`;
  return {
    here,
    source,
    branchOf,
    /** The content of a file on an agent's branch. */
    on: (agent: string, file: string) => run(source, 'show', `${branchOf(agent)}:${file}`),
    branches: () =>
      run(source, 'for-each-ref', '--format=%(refname:short)', 'refs/heads/agent-flow')
        .split('\n')
        .filter(Boolean),
    attempt: (agent: string, attempt = 1) =>
      join(here.stateDir, 'runs', here.runId()!, 'agents', agent, String(attempt)),
  };
}

/** Files that saved work may add to a repository: objects, and branches under agent-flow with their logs. */
const isWork = (name: string) => /^\.git\/(objects|(logs\/)?refs\/(heads\/)?agent-flow)/.test(name);

const warnings = (here: Place) =>
  here.journal().flatMap(event => (event.type === 'warning' ? [event.message] : []));

test("three agents at once in clones of one repository leave three branches, and the user's tree is unchanged", async t => {
  const { here, source, branches, on, branchOf, attempt } = setUp(t);
  writeFileSync(join(source, 'a.txt'), 'not committed\n');
  run(source, 'config', 'user.name', 'Ada');
  const before = hashes(source, isWork);
  const work = (name: string) => ({
    ...sh(
      `echo ${name} >own.txt; git add own.txt; git commit -qm 'by ${name}'; echo late >later.txt; cat a.txt >seen.txt`,
    ),
    ...clone(),
  });
  const { exitCode, json, stderr } = await here.run({
    concurrency: 3,
    agents: { one: work('one'), two: work('two'), three: work('three') },
  });
  t.is(exitCode, 0, stderr);
  t.deepEqual(hashes(source, isWork), before);
  t.deepEqual(
    branches().sort(),
    ['one', 'three', 'two'].map(name => branchOf(name)),
  );
  for (const name of ['one', 'two', 'three']) {
    t.is(on(name, 'own.txt'), name);
    t.is(on(name, 'later.txt'), 'late');
    t.is(on(name, 'seen.txt'), 'a', 'the committed files are in the clone');
    t.is(
      run(source, 'log', '--format=%an: %s', `HEAD..${branchOf(name)}`),
      `agent-flow: Uncommitted work of ${name}\nAda: by ${name}`,
    );
    const { workspace } = json.agents[name];
    t.deepEqual(workspace, {
      branch: branchOf(name),
      commit: head(source, branchOf(name)),
      diff: join(attempt(name), 'diff.patch'),
      path: null,
    });
    t.regex(readFileSync(workspace.diff, 'utf8'), /^\+late$/m);
    t.false(existsSync(join(attempt(name), 'workspace')));
    t.false(existsSync(join(attempt(name), 'out')));
  }
  t.is(warnings(here).filter(message => /not committed: they are not in the clones/.test(message)).length, 1);
  t.deepEqual(await here.containers(), []);
});

test('the work of an agent that was killed, timed out, ran out of memory or was removed is saved', async t => {
  const { here, on } = setUp(t);
  const spec = {
    agents: {
      late: { ...sh('echo x >late.txt; sleep 600'), ...clone(), timeouts: { run: '10s' } },
      greedy: { ...sh('echo x >greedy.txt; exec tail /dev/zero'), ...clone() },
      killed: { ...sh('echo x >killed.txt; touch .git/index.lock; sleep 600'), ...clone() },
      removed: { ...sh('echo x >removed.txt; sleep 600'), ...clone() },
    },
  };
  const ended = here.run({ concurrency: 4, ...spec });
  for (const [agent, ...verb] of [
    ['killed', 'kill'],
    ['removed', 'rm', '--force'],
  ] as const) {
    await eventually(isRunning(here, agent), `a running ${agent}`);
    await eventually(
      () =>
        existsSync(
          join(here.stateDir, 'runs', here.runId()!, 'agents', agent, '1/workspace', `${agent}.txt`),
        ),
      'its file',
    );
    const [id] = await here.containers([`label=tmux-agents.agent=${agent}`]);
    await execa('docker', [...verb, id!]);
  }
  const { exitCode, json } = await ended;
  t.is(exitCode, 4);
  t.is(json.agents.late.status, 'timedOut');
  t.is(json.agents.greedy.error.kind, 'outOfMemory');
  t.is(json.agents.killed.error.kind, 'infrastructure');
  for (const name of ['late', 'greedy', 'killed', 'removed']) {
    t.is(on(name, `${name}.txt`), 'x');
    t.truthy(json.agents[name].workspace.commit);
  }
  t.deepEqual(await here.containers(), []);
});

test('nothing that an agent leaves in its repository for git to execute runs on the host', async t => {
  const { here, source, on } = setUp(t);
  const canary = join(here.path, 'canary');
  const evil = `'touch ${canary}; cat'`;
  const keys = [
    'core.fsmonitor',
    'core.hooksPath',
    'core.sshCommand',
    'core.pager',
    'filter.x.clean',
    'filter.x.smudge',
    'filter.x.process',
    'diff.external',
    'diff.x.textconv',
    'diff.x.command',
    'merge.x.driver',
    'uploadpack.packObjectsHook',
    'gpg.program',
  ];
  const hooks = [
    'pre-commit',
    'post-commit',
    'post-checkout',
    'reference-transaction',
    'post-index-change',
    'pre-auto-gc',
    'fsmonitor-watchman',
  ];
  const script = [
    "printf '* filter=x diff=x merge=x\\n' >.gitattributes; echo bad >bad.txt",
    ...keys.map(key => `git config ${key} ${evil}`),
    'git config commit.gpgSign true',
    'mkdir -p .git/hooks',
    ...hooks.map(
      name => `printf '#!/bin/sh\\ntouch ${canary}\\n' >.git/hooks/${name}; chmod 755 .git/hooks/${name}`,
    ),
    'echo /nowhere >.git/objects/info/alternates',
  ].join('; ');
  const before = hashes(source, isWork);
  const { exitCode, stderr } = await here.run({ agents: { bad: { ...sh(script), ...clone() } } });
  t.is(exitCode, 0, stderr);
  t.is(on('bad', 'bad.txt'), 'bad');
  t.false(existsSync(canary));
  t.deepEqual(hashes(source, isWork), before);
});

test('a setuid program of root stays in a bound directory, and never leaves a clone', async t => {
  const { here, source, branchOf } = setUp(t);
  const script = 'cp /bin/true rootly && chmod 4755 rootly';
  const { exitCode, stderr } = await here.run({
    agents: { apart: { ...sh(script), ...clone() }, inside: { ...sh(script), workspace: 'workspace' } },
  });
  t.is(exitCode, 0, stderr);
  const setuid = readdirSync(here.path, { recursive: true, encoding: 'utf8' }).filter(name => {
    const facts = lstatSync(join(here.path, name));
    return facts.isFile() && (facts.mode & 0o4000) !== 0;
  });
  t.deepEqual(setuid, ['workspace/rootly']);
  t.regex(run(source, 'ls-tree', branchOf('apart'), 'rootly'), /^100755 blob/);
});

test('the files of a clone with a damaged .git are saved, and its path is reported', async t => {
  const { here, source, branches, on, attempt } = setUp(t);
  const before = hashes(source, isWork);
  const damages = {
    link: `rm -rf .git; ln -s ${join(source, '.git')} .git`,
    file: 'rm -rf .git; echo gone >.git',
    gone: 'rm -rf .git',
    objects: 'git commit -q --allow-empty -m lost; rm -rf .git/objects',
  };
  const { exitCode, json } = await here.run({
    concurrency: 4,
    agents: Object.fromEntries(
      Object.entries(damages).map(([name, damage]) => [
        name,
        { ...sh(`${damage}; echo ${name} >mine.txt`), ...clone() },
      ]),
    ),
  });
  t.is(exitCode, 0);
  t.deepEqual(hashes(source, isWork), before);
  t.is(branches().length, 4);
  for (const name of Object.keys(damages)) {
    const path = join(attempt(name), 'workspace');
    t.like(json.agents[name].workspace, { branch: `agent-flow/${here.runId()}/${name}`, path });
    t.is(on(name, 'mine.txt'), name);
    t.is(on(name, 'a.txt'), 'a');
    t.is(readFileSync(join(path, 'mine.txt'), 'utf8'), `${name}\n`);
    t.false(existsSync(join(attempt(name), 'spare')));
    t.true(
      warnings(here).some(
        message => /its \.git was damaged/.test(message) && message.endsWith(`Its clone is left in ${path}`),
      ),
    );
  }
  t.deepEqual(await here.containers(), []);
});

test('every attempt starts from the commit that was current when the run began', async t => {
  const { here, source, branchOf } = setUp(t);
  const first = head(source);
  const ended = here.run({
    agents: {
      flaky: {
        ...sh('echo "at-$(git rev-parse HEAD)"; ls; sleep 3; echo x >try.txt; exit 1'),
        ...clone(),
        retries: 1,
      },
    },
  });
  await eventually(isRunning(here, 'flaky'), 'its first attempt');
  commit(source, { 'b.txt': 'b\n' });
  const { json } = await ended;
  t.is(json.agents.flaky.attempts.length, 2);
  for (const attempt of [1, 2]) {
    t.true(here.transcript('flaky', attempt).includes(`at-${first}`));
    t.notRegex(here.transcript('flaky', attempt), /^(b|try)\.txt/m);
  }
  t.is(head(source, `${branchOf('flaky')}~`), first);
});

const killedAt = {
  'just before it journals that work is saved': 'workspace.saved:before',
  'just after it journals that work is saved': 'workspace.saved:after',
  'while a helper container makes the clone': 'creating:flight',
};
for (const [moment, failpoint] of Object.entries(killedAt))
  test(`a supervisor that is killed ${moment} continues from there`, async t => {
    const { here, branches, on, attempt } = setUp(t);
    const file = here.write({ agents: { worker: { ...sh('echo x >x.txt'), ...clone() } } });
    const failpoints = join(import.meta.dirname, '../faults/failpoints.ts');
    const env = {
      ...here.env,
      NODE_OPTIONS: `--import=${failpoints}`,
      AGENT_FLOW_FAILPOINT: failpoint,
    };
    const killed = await here.start(['run', file, '--json'], { env, detached: true });
    t.is(killed.signal, 'SIGKILL', String(killed.stderr));
    const { exitCode, json, stderr } = await here.agentFlow(['resume', '--json']);
    t.is(exitCode, 0, stderr);
    t.is(branches().length, 1);
    t.is(on('worker', 'x.txt'), 'x');
    t.truthy(json.agents.worker.workspace.commit);
    t.false(existsSync(join(attempt('worker'), 'workspace')));
    t.is(here.journal().filter(event => event.type === 'workspace.saved').length, 1);
    t.deepEqual(await here.containers(), []);
  });

test('an agent starts from the work of another, in the directory that it names', async t => {
  const { here, source, branchOf } = setUp(t);
  execFileSync('mkdir', [join(source, 'sub')]);
  commit(source, { 'sub/here.txt': 'here\n' });
  const { exitCode, json, stderr } = await here.run({
    agents: {
      fixer: { ...sh('ls; echo fixed >fix.txt'), ...clone({ path: 'source/sub' }) },
      idle: { ...sh('ls fix.txt'), ...clone({ path: 'source/sub', from: 'fixer' }), dependsOn: ['fixer'] },
      review: {
        ...sh('cat fix.txt >../reviewed.txt'),
        ...clone({ path: 'source/sub', from: 'idle' }),
        dependsOn: ['idle'],
      },
    },
  });
  t.is(exitCode, 0, stderr);
  t.regex(here.transcript('fixer'), /here\.txt/);
  t.is(json.agents.idle.workspace, null, 'it changed nothing');
  t.is(head(source, `${branchOf('review')}~`), head(source, branchOf('fixer')));
  t.is(run(source, 'show', `${branchOf('review')}:reviewed.txt`), 'fixed');
});

test('a linked work tree with a submodule can be the source; work in the submodule is reported as left behind', async t => {
  const { here, source, branchOf, attempt } = setUp(t);
  const library = repository(join(here.path, 'library'), { 'lib.txt': 'lib\n' });
  const linked = join(here.path, 'linked');
  run(source, 'worktree', 'add', '--quiet', '-b', 'side', linked);
  run(linked, 'submodule', '--quiet', 'add', library, 'lib');
  commit(linked, {});
  const { exitCode, json, stderr } = await here.run({
    agents: {
      reader: { ...sh('cat lib/lib.txt >read.txt'), ...clone({ path: 'linked' }) },
      writer: { ...sh('echo more >>lib/lib.txt; echo mine >mine.txt'), ...clone({ path: 'linked' }) },
    },
  });
  t.is(exitCode, 0, stderr);
  t.is(run(source, 'show', `${branchOf('reader')}:read.txt`), 'lib');
  t.is(head(source, `${branchOf('reader')}~`), head(source, 'side'));
  t.is(json.agents.reader.workspace.path, null);
  t.is(run(source, 'show', `${branchOf('writer')}:mine.txt`), 'mine');
  t.is(json.agents.writer.workspace.path, join(attempt('writer'), 'workspace'));
  t.true(
    warnings(here).some(message =>
      /there is work in repositories inside it, such as submodules/.test(message),
    ),
  );
});

test('a copy is copied into the container and back out, and the directory is unchanged', async t => {
  const here = place(t);
  writeFileSync(join(here.workspace, 'a.txt'), 'a');
  const { exitCode, json, stderr } = await here.run({
    agents: {
      copier: {
        ...sh(
          'cat a.txt >b.txt; ln -s b.txt c.txt; ln -s /etc/passwd out.txt; ln b.txt twin.txt; chmod 6755 b.txt; mkdir -p d/e; ln -s ../.. d/e/top; ln -s d/e/top/.. chain',
        ),
        workspace: { mode: 'copy', path: 'workspace' },
      },
      alone: { ...sh('test -z "$(ls -A)"; touch x'), workspace: { mode: 'none' } },
    },
  });
  t.is(exitCode, 0, stderr);
  t.deepEqual(readdirSync(here.workspace), ['a.txt']);
  const { path, branch } = json.agents.copier.workspace;
  t.is(branch, null);
  t.deepEqual(readdirSync(path).sort(), ['a.txt', 'b.txt', 'c.txt', 'd', 'twin.txt']);
  for (const name of ['c.txt', 'twin.txt']) t.is(readFileSync(join(path, name), 'utf8'), 'a');
  t.is(statSync(join(path, 'b.txt')).mode & 0o7000, 0);
  // One leads to /etc/passwd. The other stays inside by its text, and leads out through a link.
  t.true(warnings(here).some(message => /2 links were left out/.test(message)));
  t.is(json.agents.alone.workspace, null);
});

test('artifacts are kept within their limits, and no link is followed', async t => {
  const here = place(t);
  writeFileSync(join(here.path, 'secret'), 'secret');
  const script = `mkdir -p dist/deep; echo report >dist/report.html; echo deep >dist/deep/a.txt; ln -s ${join(here.path, 'secret')} dist/link; ln -s /etc/passwd passwd; ln -s /etc etc; head -c 2000 /dev/zero >big; exit 3`;
  const { exitCode, json } = await here.run({
    agents: {
      maker: {
        ...sh(script),
        workspace: { mode: 'none' },
        artifacts: ['dist', 'passwd', 'etc/passwd', 'missing.txt', { path: 'big', maxSize: '1k' }],
      },
    },
  });
  t.is(exitCode, 1, 'the agent failed, and its artifacts are still kept');
  const folder = join(here.stateDir, 'runs', json.runId, 'agents/maker/1/artifacts');
  t.deepEqual(json.agents.maker.artifacts, [join(folder, 'dist')]);
  t.deepEqual(Object.keys(hashes(folder)), ['dist/deep/a.txt', 'dist/report.html']);
  const report = warnings(here).join('\n');
  for (const line of [
    /artifact dist: 1 link was left out/,
    /artifact passwd: 1 link/,
    /artifact etc\/passwd: etc is a link, which is not followed/,
    /artifact missing\.txt: it does not exist/,
    /artifact big: 1 file beyond the limit of 1k left out/,
  ])
    t.regex(report, line);
});

test('hooks and configuration of a bound repository are read-only, and git commit works', async t => {
  const { here, source } = setUp(t);
  const script = `(echo x >.git/hooks/post-commit) 2>/dev/null; git config core.pager evil 2>/dev/null; echo b >b.txt; git add b.txt && git -c user.name=a -c user.email=a@b commit -qm 'by the agent'`;
  const before = hashes(join(source, '.git', 'hooks'));
  const config = readFileSync(join(source, '.git', 'config'), 'utf8');
  const worker = { ...sh(script), workspace: 'source' };
  const { exitCode, stderr } = await here.run({
    agents: { one: worker, two: { ...sh('true'), workspace: 'source', dependsOn: ['one'] } },
  });
  t.is(exitCode, 0, stderr);
  t.is(run(source, '-c', `safe.directory=${source}`, 'log', '-1', '--format=%s'), 'by the agent');
  t.deepEqual(hashes(join(source, '.git', 'hooks')), before);
  t.is(readFileSync(join(source, '.git', 'config'), 'utf8'), config);
  t.is(
    warnings(here).filter(message => /^one, two work in your git repository itself/.test(message)).length,
    1,
  );
});

test('Ctrl-C saves the work, or reports where it is', async t => {
  const { here, branches, attempt } = setUp(t);
  const run = here.start([
    'run',
    here.write({ agents: { worker: { ...sh('echo x >x.txt; sleep 600'), ...clone() } } }),
  ]);
  await eventually(isRunning(here, 'worker'), 'the running agent');
  await eventually(() => existsSync(join(attempt('worker'), 'workspace', 'x.txt')), 'its file');
  run.kill('SIGINT');
  t.is((await run).exitCode, 130);
  const left = join(attempt('worker'), 'workspace');
  t.is(
    existsSync(left) ? warnings(here).filter(message => message.includes(left)).length : branches().length,
    1,
  );
  t.deepEqual(await here.containers(), []);
});

test('a repository without a commit is refused before anything starts', async t => {
  const here = place(t);
  run('.', 'init', '--quiet', join(here.path, 'source'));
  const { exitCode, stderr } = await here.run({ agents: { a: { ...sh('true'), ...clone() } } });
  t.is(exitCode, 2);
  t.regex(stderr, /agents\.a\.workspace: .* cannot be cloned: it has no commit yet; make one first: git add/);
  t.is(here.runId(), null);
});

test('a partial clone without all objects is refused before anything starts, and a complete one is accepted', async t => {
  const { here, source } = setUp(t);
  writeFileSync(join(source, '.gitattributes'), '*.txt filter=lfs\n');
  commit(source, { 'a.txt': 'second\n' });
  run(source, 'config', 'uploadpack.allowFilter', 'true');
  const partial = join(here.path, 'partial');
  run(here.path, 'clone', '--quiet', '--filter=blob:none', `file://${source}`, 'partial');
  const spec = { agents: { a: { ...sh('git --no-pager log --oneline'), ...clone({ path: 'partial' }) } } };
  const refused = await here.run(spec);
  t.is(refused.exitCode, 2);
  t.regex(refused.stderr, /agents\.a\.workspace: .*partial clone that lacks objects.*git fetch --refetch/);
  t.is(here.runId(), null);
  t.deepEqual(await here.containers(), []);
  run(partial, 'fetch', '--quiet', '--refetch', '--no-filter');
  const taken = await here.run(spec);
  t.is(taken.exitCode, 0, taken.stderr);
  t.true(
    warnings(here).some(message =>
      /2 files, such as .*, have the filter lfs|the file a\.txt has the filter lfs/.test(message),
    ),
  );
});

/** A user other than root who has access to the engine's socket. */
function unprivilegedUser(here: Place) {
  const { gid } = statSync('/var/run/docker.sock');
  execFileSync('chown', ['-R', `1000:${gid}`, here.path]);
  return { uid: 1000, gid };
}

test("root's files in a clone are removed with its run, also for another user", async t => {
  const { here, attempt } = setUp(t);
  const user = unprivilegedUser(here);
  const file = here.write({
    agents: { bad: { ...sh('rm -rf .git/objects; mkdir -p mine/deep; chmod 700 mine'), ...clone() } },
  });
  const options = { ...user, env: { ...here.env, HOME: here.path } };
  t.is((await here.agentFlow(['run', file, '--json'], options)).exitCode, 0);
  t.true(existsSync(join(attempt('bad'), 'workspace', 'mine', 'deep')));
  const { exitCode, json, stderr } = await here.agentFlow(
    ['cleanup', '--runs', '--older-than', '1ms', '--json'],
    options,
  );
  t.is(exitCode, 0, stderr);
  t.is(json.runs.removed.length, 1);
  t.is(here.runId(), null);
  t.deepEqual(await here.containers(), []);
});

test('agent-flow as another user than root leaves no file that this user cannot remove', async t => {
  const { here, source, branchOf, attempt } = setUp(t);
  const { uid, gid } = unprivilegedUser(here);
  const script =
    'mkdir -p mine/deep; echo x >mine/deep/x.txt; chmod 700 mine; git add --all; git commit -qm mine; echo y >y.txt';
  const file = here.write({ agents: { worker: { ...sh(script), ...clone() } } });
  const env = { ...here.env, HOME: here.path };
  const { exitCode, stderr } = await here.agentFlow(['run', file, '--json'], { uid, gid, env });
  t.is(exitCode, 0, stderr);
  const own = run(
    source,
    '-c',
    `safe.directory=${source}`,
    'show',
    '--stat',
    '--format=%an',
    branchOf('worker'),
  );
  t.regex(own, /y\.txt/);
  const helpers = here
    .journal()
    .flatMap(event => (event.type === 'docker.call' && event.argv[1] === 'create' ? event.argv : []));
  t.true(helpers.includes('--entrypoint=agent-empty'), 'what root wrote was removed by a container');
  t.false(existsSync(join(attempt('worker'), 'workspace')));
  await execa('rm', ['-r', here.stateDir], { uid, gid });
  // For the search of this place's containers.
  t.false(existsSync(here.stateDir));
  t.false(existsSync(join(source, '.git', 'index.lock')));
});

test('files that docker cannot copy are named before the start', async t => {
  const { here } = setUp(t);
  const user = unprivilegedUser(here);
  const options = { ...user, env: { ...here.env, HOME: here.path } };
  const spec = (path: string) =>
    here.write({ agents: { copier: { ...sh('true'), workspace: { mode: 'copy', path } } } });
  for (const name of ['closed', 'open']) mkdirSync(join(here.path, name, 'deep'), { recursive: true });
  writeFileSync(join(here.path, 'open', 'a.txt'), 'a', { mode: 0o644 });
  writeFileSync(join(here.path, 'closed', 'deep', 'key'), 'a', { mode: 0o600 });
  mkdirSync(join(here.path, 'closed', 'shut'), { mode: 0o700 });
  const refused = await here.agentFlow(['run', spec('closed'), '--json'], options);
  t.is(refused.exitCode, 2);
  t.regex(
    refused.stderr,
    /copier\.workspace: \S+\/closed cannot be copied whole, since you may not read deep\/key, shut in it\. Change/,
  );
  t.is(here.runId(), null);

  const server = createServer().listen(join(here.path, 'open', 'deep', 'socket'));
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { exitCode, json, stderr } = await here.agentFlow(['run', spec('open'), '--json'], options);
  t.is(exitCode, 0, stderr);
  t.deepEqual(readdirSync(json.agents.copier.workspace.path).sort(), ['a.txt', 'deep']);
  t.true(
    warnings(here).some(message =>
      /^sockets in \S+\/open are not in the copy of copier: deep\/socket$/.test(message),
    ),
  );
});

test('the script of --plan with a clone, a copy and artifacts does the same', async t => {
  const { here, source } = setUp(t);
  const file = here.write({
    agents: {
      cloned: { ...sh('mkdir dist; echo x >dist/x'), ...clone(), artifacts: ['dist'] },
      copied: { ...sh('cat a.txt'), workspace: { mode: 'copy', path: 'source' }, dependsOn: ['cloned'] },
    },
  });
  const { stdout } = await here.agentFlow(['run', file, '--plan']);
  const before = hashes(source);
  const script = await execa('bash', ['-e'], {
    input: stdout,
    cwd: here.path,
    env: here.env,
    all: true,
    reject: false,
  });
  t.is(script.exitCode, 0, script.all);
  t.regex(script.all, /^work [0-9a-f]{40}$/m);
  const made = Object.keys(hashes(here.stateDir, name => name.includes('.git/')));
  for (const name of ['artifacts/dist/x', 'out/work.bundle', 'copied/1/workspace/a.txt'])
    t.true(
      made.some(path => path.endsWith(name)),
      name,
    );
  t.deepEqual(hashes(source), before);
  t.deepEqual(await here.containers(), []);
});

test('--plan has every docker command that a clone, a copy and artifacts need, in order', async t => {
  const { here } = setUp(t);
  const file = here.write({
    agents: {
      cloned: { ...sh('true'), ...clone(), artifacts: ['dist'] },
      copied: { ...sh('true'), workspace: { mode: 'copy', path: 'source' }, dependsOn: ['cloned'] },
    },
  });
  const { json, exitCode, stderr } = await here.agentFlow(['run', file, '--plan', '--json']);
  t.is(exitCode, 0, stderr);
  const steps = (agent: string) =>
    json.steps
      .filter((step: { agent: string }) => step.agent === agent)
      .map(({ program, args }: { program?: string; args: string[] }) =>
        [program, args[0]].filter(Boolean).join(' '),
      );
  t.deepEqual(
    steps('cloned').filter((step: string) => !/^(git|mkdir) /.test(step)),
    [
      ...['create', 'start', 'rm'],
      ...['create', 'start', 'exec', 'wait', 'logs'],
      ...['create', 'start', 'rm'],
      ...['create', 'start', 'rm'],
      'rm',
    ],
  );
  t.deepEqual(
    steps('copied').filter((step: string) => !/^(git|mkdir) /.test(step)),
    ['create', 'cp', 'start', 'exec', 'wait', 'logs', 'cp', 'rm'],
  );
});
