import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { UsageError } from '../../../src/errors.ts';
import { checkSources, findMountProblem } from '../../../src/preflight/mount-problem.ts';
import type { AgentPlan, FlowPlan } from '../../../src/spec/plan.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { engine as usualEngine } from '../_helpers/actor-ports.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import { folder } from '../_helpers/repositories.ts';

function desk(t: ExecutionContext) {
  const base = folder(t);
  for (const path of ['proj', 'mounted', 'engine/volumes']) mkdirSync(join(base, path), { recursive: true });
  const at = (path: string) => join(base, path);
  const stateDir = openStateDir(at('state'));
  const engine = { ...usualEngine, rootDir: at('engine') };
  return { at, stateDir, engine };
}

const flow = (agent: Partial<AgentPlan>): FlowPlan => ({
  name: 'f',
  concurrency: null,
  agents: [{ ...defaultPlan, name: 'a', workspace: { mode: 'none' }, ...agent }],
});
const mounts = (source: string) => ({ mounts: [{ source, target: '/m', readOnly: true }] });

test("the state directory and the engine's own directory are never mounted", t => {
  const { at, stateDir, engine } = desk(t);
  for (const source of [stateDir.path, at('engine'), at('engine/volumes')])
    t.throws(() => checkSources(flow(mounts(source)), stateDir, engine), {
      instanceOf: UsageError,
      message: /^agents\.a\.mounts\[0\]\.source: .* is never given to an agent: /,
    });
  t.notThrows(() => checkSources(flow(mounts(at('mounted'))), stateDir, engine));
});

test('a user other than root cannot have a copy, whose files belong to root', t => {
  const { at, stateDir, engine } = desk(t);
  const copy = { workspace: { mode: 'copy', path: at('proj') } } as const;
  t.throws(() => checkSources(flow({ ...copy, user: { uid: 1000, gid: 100 } }), stateDir, engine), {
    message: /^agents\.a\.user: 1000:100 could not change a copy/,
  });
  t.notThrows(() => checkSources(flow({ ...copy, user: { uid: 0, gid: 0 } }), stateDir, engine));
  t.notThrows(() => checkSources(flow({ ...copy, user: null }), stateDir, engine));
});

test('a source that still is what was checked is no problem', t => {
  const { at, stateDir, engine } = desk(t);
  const plan = {
    ...defaultPlan,
    workspace: { mode: 'bind', path: at('proj') },
    ...mounts(at('mounted')),
  } as const;
  t.is(findMountProblem(plan, stateDir, engine), null);
});

test('a source that was replaced by a link, or removed, is a problem', t => {
  const { at, stateDir, engine } = desk(t);
  const bind = { ...defaultPlan, workspace: { mode: 'bind', path: at('proj') } } as const;
  const none = { ...defaultPlan, workspace: { mode: 'none' } } as const;
  const login = { files: [{ source: at('mounted'), home: 'x', isCopied: true }], sshAgent: null };
  renameSync(at('mounted'), at('moved'));
  symlinkSync(at('moved'), at('mounted'));
  t.regex(findMountProblem({ ...none, ...mounts(at('mounted')) }, stateDir, engine) ?? '', /mounted/);
  t.regex(findMountProblem({ ...none, auth: login }, stateDir, engine) ?? '', /mounted/);
  renameSync(at('proj'), at('gone'));
  t.not(findMountProblem(bind, stateDir, engine), null);
});

test('the repository of a clone may change, since it is not mounted', t => {
  const { at, stateDir, engine } = desk(t);
  const clone = { mode: 'clone', path: at('none'), repository: at('none'), from: null } as const;
  t.is(findMountProblem({ ...defaultPlan, workspace: clone }, stateDir, engine), null);
});
