import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { mountedPaths } from '../../../src/preflight/mounted-paths.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import { folder, run } from '../_helpers/repositories.ts';

/** Create a directory `plain` and a repository `repo` with a directory `sub`. */
function fixture(t: ExecutionContext) {
  const base = folder(t);
  mkdirSync(join(base, 'plain'));
  mkdirSync(join(base, 'repo', 'sub'), { recursive: true });
  run(join(base, 'repo'), 'init', '--quiet');
  const at = (path: string) => join(base, path);
  const mounted = (...agents: Partial<AgentPlan>[]) => {
    const named = agents.map((agent, index) => ({ ...defaultPlan, ...agent, name: 'abc'[index]! }));
    const plan = { name: 'f', concurrency: null, agents: named };
    return mountedPaths(plan, named, { stateDir: '/state', livePlaces: [at('live')] }).map(
      ({ field, path }) => `${field} ${path.replace(`${base}/`, '')}`,
    );
  };
  return { at, mounted };
}

const none = { workspace: { mode: 'none' } } as const;

test('an empty workspace, a copy and a secret file mount nothing', t => {
  const { at, mounted } = fixture(t);
  t.deepEqual(mounted(none, { workspace: { mode: 'copy', path: at('plain') } }), []);
  t.deepEqual(mounted({ ...none, secrets: [{ name: 'KEY', file: at('key') }] as never }), []);
});

test('a bound directory is mounted, and a bound repository also mounts the state directory', t => {
  const { at, mounted } = fixture(t);
  t.deepEqual(mounted({ workspace: { mode: 'bind', path: at('plain') } }), ['agents.a.workspace plain']);
  t.deepEqual(mounted({ workspace: { mode: 'bind', path: at('repo') } }), [
    'agents.a.workspace repo',
    'agents.a.workspace /state',
  ]);
});

test('a clone mounts its repository and the state directory', t => {
  const { at, mounted } = fixture(t);
  const workspace = { mode: 'clone', path: at('repo/sub'), repository: at('repo'), from: null } as const;
  t.deepEqual(mounted({ workspace }), ['agents.a.workspace repo', 'agents.a.workspace /state']);
});

test('clones and logins can be sent, and all else needs the same files', t => {
  const { at } = fixture(t);
  const mount = { target: '/data', readOnly: true };
  const clone = { mode: 'clone', path: at('repo'), repository: at('repo'), from: null } as const;
  const agents = [
    { ...defaultPlan, name: 'a', workspace: clone },
    {
      ...defaultPlan,
      ...none,
      name: 'b',
      mounts: [
        { ...mount, source: at('plain') },
        { ...mount, source: '/srv', onHost: true as const },
      ],
      auth: { files: [{ source: '/h/.gitconfig', home: '.gitconfig', isCopied: false }], sshAgent: '/sock' },
    },
  ];
  const plan = { name: 'f', concurrency: null, agents };
  const mounted = mountedPaths(plan, agents, { stateDir: '/state', livePlaces: [] });
  t.deepEqual(
    mounted.map(({ field, canBeSent }) => [field, canBeSent]),
    [
      ['agents.a.workspace', true],
      ['agents.a.workspace', true],
      ['agents.b.mounts[0].source', false],
      ['agents.b.auth', true],
      ['agents.b.auth.ssh', false],
    ],
  );
});

test('a copy mounts its directory if an agent may write to it', t => {
  const { at, mounted } = fixture(t);
  const copy = { workspace: { mode: 'copy', path: at('plain') } } as const;
  const writes = { ...none, mounts: [{ source: at('plain/sub'), target: '/m', readOnly: false }] };
  t.deepEqual(mounted(copy, writes), ['agents.a.workspace plain', 'agents.b.mounts[0].source plain/sub']);
  t.deepEqual(mounted({ workspace: { mode: 'copy', path: at('live/x') } }), ['agents.a.workspace live/x']);
});

test('mounts and logins are mounted, except a login whose target the spec mounts', t => {
  const { at, mounted } = fixture(t);
  const auth = {
    files: [
      { source: at('gitconfig'), home: '.gitconfig', isCopied: false },
      { source: at('ssh'), home: '.ssh', isCopied: false },
    ],
    sshAgent: at('agent.sock'),
  };
  const mounts = [{ source: at('plain'), target: '/root/.ssh', readOnly: true }];
  t.deepEqual(mounted({ ...none, auth, mounts }), [
    'agents.a.mounts[0].source plain',
    'agents.a.auth gitconfig',
    'agents.a.auth.ssh agent.sock',
  ]);
});
