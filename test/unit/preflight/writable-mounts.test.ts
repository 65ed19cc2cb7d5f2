import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { isWithin } from '../../../src/preflight/containment.ts';
import { exposedSources, openedSources, writablePlaces } from '../../../src/preflight/writable-mounts.ts';
import type { AgentPlan, FlowPlan } from '../../../src/spec/plan.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import { folder } from '../_helpers/repositories.ts';

/** Directories `proj/sub`, `proj-two` and `other`, files `proj/file` and `other/file`, a link `link` to `proj`. */
function desk(t: ExecutionContext) {
  const base = folder(t);
  for (const path of ['proj/sub', 'proj-two', 'other']) mkdirSync(join(base, path), { recursive: true });
  for (const path of ['proj/file', 'other/file']) writeFileSync(join(base, path), '');
  symlinkSync(join(base, 'proj'), join(base, 'link'));
  return { at: (path: string) => join(base, path) };
}

const flow = (...agents: Partial<AgentPlan>[]): FlowPlan => ({
  name: 'f',
  concurrency: null,
  agents: agents.map((agent, index) => ({
    ...defaultPlan,
    workspace: { mode: 'none' } as const,
    name: 'abc'[index]!,
    ...agent,
  })),
});
const bind = (path: string) => ({ workspace: { mode: 'bind', path } }) as const;
const clone = { workspace: { mode: 'clone', path: '/repo/sub', repository: '/repo', from: null } } as const;
const mounts = (source: string, readOnly = true) => ({ mounts: [{ source, target: '/m', readOnly }] });
const fields = (named: readonly { field: string; path: string }[]) =>
  named.map(({ field, path }) => `${field}: ${path}`);

test('a link that an agent creates hides a source from a later check', t => {
  const { at } = desk(t);
  const plan = flow(bind(at('proj')), mounts(at('proj/sub')));
  renameSync(at('proj/sub'), at('proj/was'));
  symlinkSync(at('other'), at('proj/sub'));
  t.true(isWithin(at('proj/sub'), at('other')), 'Docker would follow the link');
  symlinkSync(at('proj'), at('proj-two/link'));
  t.is(
    exposedSources(openedSources(plan), writablePlaces(plan)).length,
    0,
    'the check must run before any agent',
  );
});

test('agents can write bound workspaces and mounts that are not read-only', t => {
  const plan = flow({ ...bind('/w'), ...mounts('/m', false) }, mounts('/read-only'), clone, {
    workspace: { mode: 'copy', path: '/copied' },
  });
  t.deepEqual(fields(writablePlaces(plan)), ['agents.a.workspace: /w', 'agents.a.mounts[0].source: /m']);
});

test('every source that is opened by name is listed with its field', t => {
  const plan = flow(
    {
      ...bind('/w'),
      ...mounts('/m'),
      auth: { files: [{ source: '/login', home: 'x', isCopied: true }], sshAgent: '/socket' },
      secrets: [
        { name: 'A', file: null },
        { name: 'B', file: '/secret' },
      ],
    },
    clone,
  );
  t.deepEqual(fields(openedSources(plan)), [
    'agents.a.workspace: /w',
    'agents.a.mounts[0].source: /m',
    'agents.a.auth: /login',
    'agents.a.auth: /socket',
    'agents.a.secrets[1].file: /secret',
    'agents.b.workspace: /repo',
  ]);
});

test('a source is exposed strictly below a writable place, by its nearest one', t => {
  const { at } = desk(t);
  const exposed = (...agents: Partial<AgentPlan>[]) => {
    const plan = flow(...agents);
    return exposedSources(openedSources(plan), writablePlaces(plan)).map(
      ({ source, place }) => `${source.field} below ${relative(at(''), place.path)}`,
    );
  };
  t.deepEqual(exposed(bind(at('proj')), mounts(at('proj'))), []);
  t.deepEqual(exposed(bind(at('link')), mounts(at('proj/sub'))), ['agents.b.mounts[0].source below link']);
  t.deepEqual(exposed(bind(at('')), mounts(at('proj'), false), mounts(at('proj/sub'))), [
    'agents.b.mounts[0].source below ',
    'agents.c.mounts[0].source below proj',
  ]);
});
