import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { repository, run } from '../unit/_helpers/repositories.ts';
import { place, small } from './flow.ts';

/** A way in which an agent makes the git of the host execute a program, from a repository that is bound. */
interface Shape {
  /** Makes the repository; returns the workspace. */
  readonly make?: (source: string) => string;
  /** Runs in the container; `$PROGRAM` is the program that the host would execute. */
  readonly script: string;
  /** The warning about it; null where the read-only mounts prevent it. */
  readonly reported: RegExp | null;
}

const rename = 'mv .git .was; cp -r .was .git 2>/dev/null';
const hook = (folder: string) =>
  `mkdir -p ${folder}; printf '#!/bin/sh\\n%s\\n' "$PROGRAM" >${folder}/post-commit; chmod 755 ${folder}/post-commit`;

const shapes: Readonly<Record<string, Shape>> = {
  'renames-git': {
    script: `${rename}; git config filter.x.clean "$PROGRAM"; echo '* filter=x' >.gitattributes; touch -d 2001-01-01 a.txt`,
    reported: /\.git\/config, .*\.gitattributes \(new\)/,
  },
  'renames-hooks': {
    script: `${rename}; ${hook('.git/hooks')}`,
    reported: /\.git\/hooks\/post-commit \(new\)/,
  },
  commondir: {
    script: `cp -r .git evil; git config -f evil/config core.fsmonitor "$PROGRAM"; printf ../evil >.git/commondir`,
    reported: /\.git\/commondir \(new\)/,
  },
  'has-no-hooks': {
    make: source => {
      rmSync(join(source, '.git/hooks'), { recursive: true });
      return source;
    },
    script: hook('.git/hooks'),
    reported: null,
  },
  'config-worktree': {
    make: source => {
      run(source, 'config', 'extensions.worktreeConfig', 'true');
      return source;
    },
    script: `printf '[core]\\n\\thooksPath = evil\\n' >.git/config.worktree; ${hook('evil')}`,
    reported: null,
  },
  'linked-git': {
    make: source => {
      renameSync(join(source, '.git'), join(source, '.real'));
      symlinkSync('.real', join(source, '.git'));
      return source;
    },
    script: `rm .git; cp -r .real .git; git config core.fsmonitor "$PROGRAM"`,
    reported: /\.git,/,
  },
  'linked-tree': {
    make: source => {
      run(source, 'worktree', 'add', '--quiet', '-b', 'side', `${source}-linked`);
      return `${source}-linked`;
    },
    script: `git init -q --bare evil; git -C evil config core.fsmonitor "$PROGRAM"; echo 'gitdir: evil' >.git`,
    reported: null,
  },
  submodule: {
    make: source => {
      const library = repository(`${source}-library`);
      run(source, 'submodule', '--quiet', 'add', library, 'lib');
      run(source, 'commit', '--quiet', '--message=lib');
      return source;
    },
    script: `git config -f .git/modules/lib/config core.fsmonitor "$PROGRAM"`,
    reported: /\.git\/modules\/lib\/config/,
  },
  'hooks-elsewhere': {
    make: source => {
      mkdirSync(join(source, 'tools'));
      run(source, 'config', 'core.hooksPath', 'tools');
      return source;
    },
    script: hook('tools'),
    reported: /tools\/post-commit \(new\)/,
  },
  'new-repository': {
    script: `git init -q vendor; git -C vendor config core.fsmonitor "$PROGRAM"`,
    reported: /vendor\/\.git \(new\)/,
  },
};

/** Commands that a user may run next, in the repository and in those inside it. */
async function gitOfTheUser(workspace: string) {
  for (const folder of [workspace, join(workspace, 'vendor')].filter(path => existsSync(join(path, '.git'))))
    for (const args of [['status'], ['add', '--all'], ['commit', '--quiet', '--allow-empty', '-m', 'mine']])
      await execa(
        'git',
        ['-c', 'safe.directory=*', '-c', 'user.name=me', '-c', 'user.email=me@example.invalid', ...args],
        {
          cwd: folder,
          reject: false,
          timeout: 60_000,
        },
      );
}

test("escape: our git executes nothing that an agent leaves in a bound repository, and what the user's git would execute is reported", async t => {
  const here = place(t);
  const agents: Record<string, object> = {};
  const traces = new Map<string, string>();
  const workspaces = new Map<string, string>();
  for (const [name, { make = (path: string) => path, script }] of Object.entries(shapes)) {
    const source = make(repository(join(here.path, name)));
    const trace = join(here.path, `EXECUTED-${name}`);
    workspaces.set(name, source);
    traces.set(name, trace);
    const env = { PROGRAM: `touch ${trace}; cat` };
    agents[name] = { command: ['sh', '-c', `${script}; true`], env, workspace: source, ...small };
    // Our git reads the repository once more, and writes to it.
    agents[`clone-${name}`] = {
      command: ['sh', '-c', 'echo more >more.txt'],
      workspace: { mode: 'clone', path: source },
      dependsOn: [name],
      ...small,
    };
  }
  const { json, stderr } = await here.run({ concurrency: 4, agents });
  t.deepEqual(
    [...traces].filter(([, trace]) => existsSync(trace)),
    [],
    'nothing was executed during the run',
  );
  const warnings = here
    .journal()
    .flatMap(event => (event.type === 'warning' && event.agent !== null ? [event] : []));
  for (const [name, { reported }] of Object.entries(shapes)) {
    const warning = warnings.find(
      ({ agent, message }) => agent === name && message.startsWith('what git executes'),
    );
    if (reported) t.regex(warning?.message ?? '', reported, `${name}\n${stderr}`);
    // The clone is either made or refused with one sentence.
    const cloned = json.agents[`clone-${name}`];
    if (cloned.status === 'succeeded') t.truthy(cloned.workspace.commit, name);
    else t.regex(cloned.error.message, /could not clone .*: its /, name);
    // The control: the unmodified git of the host would have executed it.
    await gitOfTheUser(workspaces.get(name)!);
    t.is(existsSync(traces.get(name)!), reported !== null, `${name}: by the user's own git`);
  }
  t.deepEqual(await here.containers(), []);
});

test('escape: a host file that an agent links to is neither an artifact nor copied nor mounted', async t => {
  const here = place(t);
  const canary = join(here.path, 'private', 'canary');
  mkdirSync(join(here.path, 'private'));
  writeFileSync(canary, 'HOST-ONLY\n', { mode: 0o600 });
  const source = repository(join(here.path, 'source'));
  const evil = [
    'mkdir -p dist',
    'echo nothing >dist/leak',
    `mkdir -p ${join(here.path, 'private')} && ln -s /workspace/dist/leak ${canary}`,
    `${rename}; rm -f .git/config; ln -s ${canary} .git/config`,
    `ln -s ${canary} dist/link; ln -s ${join(here.path, 'private')} linked`,
  ].join('; ');
  const bound = { workspace: source, ...small };
  const { json } = await here.run({
    agents: {
      evil: { command: ['sh', '-c', evil], artifacts: ['dist', 'linked/canary'], keep: 'always', ...bound },
      // With the previous mounts, the file that is now at .git/config would be mounted.
      next: { command: ['sh', '-c', 'cat .git/config linked/canary'], dependsOn: ['evil'], ...bound },
      copier: {
        command: ['sh', '-c', 'cat .git/config linked/canary dist/link'],
        workspace: { mode: 'copy', path: source },
        dependsOn: ['next'],
        ...small,
      },
    },
  });
  const folder = join(here.stateDir, 'runs', json.runId, 'agents');
  t.is(readFileSync(join(folder, 'evil/1/artifacts/dist/leak'), 'utf8'), 'nothing\n');
  t.false(existsSync(join(folder, 'evil/1/artifacts/linked/canary')));
  const { stdout } = await execa(
    'grep',
    ['--recursive', '--files-with-matches', 'HOST-ONLY', here.stateDir],
    { reject: false },
  );
  t.is(stdout, '');
  // The control: a mount of the agent's path, made by docker itself.
  const control = await execa('docker', [
    ...['run', '--rm', '--label=agent-flow-test=container', '--network=none', '--entrypoint=cat'],
    `--mount=type=bind,source=${join(source, '.git/config')},target=/config,readonly`,
    ...['tmux-agents-base:latest', '/config'],
  ]);
  t.is(control.stdout, 'HOST-ONLY');
});
