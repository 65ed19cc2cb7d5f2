import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { mountedPaths } from '../../../src/preflight/mounted-paths.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import { folder, run } from '../_helpers/repositories.ts';

/** Directories `plain` and `repo/sub`, of which `repo` is a repository. */
function desk(t: ExecutionContext) {
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

test('what no container mounts is not looked for', t => {
  const { at, mounted } = desk(t);
  t.deepEqual(mounted(none, { workspace: { mode: 'copy', path: at('plain') } }), []);
  t.deepEqual(mounted({ ...none, secrets: [{ name: 'KEY', file: at('key') }] as never }), []);
});

test('a bound directory is mounted; of a repository copies of its configuration too, from the state directory', t => {
  const { at, mounted } = desk(t);
  t.deepEqual(mounted({ workspace: { mode: 'bind', path: at('plain') } }), ['agents.a.workspace plain']);
  t.deepEqual(mounted({ workspace: { mode: 'bind', path: at('repo') } }), [
    'agents.a.workspace repo',
    'agents.a.workspace /state',
  ]);
});

test('a clone is made of the whole repository, and lies in the state directory', t => {
  const { at, mounted } = desk(t);
  const workspace = { mode: 'clone', path: at('repo/sub'), repository: at('repo'), from: null } as const;
  t.deepEqual(mounted({ workspace }), ['agents.a.workspace repo', 'agents.a.workspace /state']);
});

test('a copy is mounted where an agent may write to it meanwhile', t => {
  const { at, mounted } = desk(t);
  const copy = { workspace: { mode: 'copy', path: at('plain') } } as const;
  const writes = { ...none, mounts: [{ source: at('plain/sub'), target: '/m', readOnly: false }] };
  t.deepEqual(mounted(copy, writes), ['agents.a.workspace plain', 'agents.b.mounts[0].source plain/sub']);
  t.deepEqual(mounted({ workspace: { mode: 'copy', path: at('live/x') } }), ['agents.a.workspace live/x']);
});

test('mounts and logins are mounted, but for a login in whose place the spec mounts something itself', t => {
  const { at, mounted } = desk(t);
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
    'agents.a.auth agent.sock',
  ]);
});
