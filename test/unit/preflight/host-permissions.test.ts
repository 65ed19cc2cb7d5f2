import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type ContainerSupport, unrestrictedEngine } from '../../../src/docker/engine-info.ts';
import { permissionProblems } from '../../../src/preflight/host-permissions.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';

/** A uid and gid without any permission here. */
const unprivileged = 3_000_000;

function folder(t: ExecutionContext, mode: number): string {
  const path = mkdtempSync(join(tmpdir(), 'agent-flow-permissions-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  chmodSync(path, mode);
  return path;
}

const bound = (path: string, more: Partial<AgentPlan> = {}): AgentPlan => ({
  ...defaultPlan,
  name: 'a',
  workspace: { mode: 'bind', path },
  ...more,
});
const remapped = (root: ContainerSupport['remappedRoot']): ContainerSupport => ({
  ...unrestrictedEngine,
  isRemapped: true,
  remappedRoot: root,
});
const rootless: ContainerSupport = { ...unrestrictedEngine, isRootless: true };
const ownerOf = (path: string) => {
  const { uid, gid } = statSync(path);
  return { uid, gid };
};

test('root of a container may use any workspace unless the engine remaps it', t => {
  const path = folder(t, 0o755);
  t.deepEqual(permissionProblems(bound(path), unrestrictedEngine), []);
  t.deepEqual(permissionProblems(bound(path), rootless), []);
  const [problem = '', ...more] = permissionProblems(
    bound(path),
    remapped({ uid: unprivileged, gid: unprivileged }),
  );
  t.deepEqual(more, []);
  t.regex(
    problem,
    /^agents\.a\.workspace: root of its container, .*3000000:3000000.* \(userns-remap\), may not work in/,
  );
  t.regex(problem, /"mode": "clone" or "copy", or give it the directory: chown -R 3000000:3000000 \//);
});

test('a remapped user may use a workspace that it owns or that everyone may write', t => {
  const path = folder(t, 0o700);
  t.deepEqual(permissionProblems(bound(path), remapped(ownerOf(path))), []);
  const { uid, gid } = ownerOf(path);
  const root = { uid: unprivileged, gid: unprivileged };
  // The container's user 1000 is mapped to the owner.
  const mapped = remapped({ uid: uid - 1000, gid: gid - 1000 });
  t.deepEqual(permissionProblems(bound(path, { user: { uid: 1000, gid: 1000 } }), mapped), []);
  t.is(permissionProblems(bound(path, { user: { uid: 1001, gid: 1001 } }), mapped).length, 1);
  t.deepEqual(permissionProblems(bound(folder(t, 0o777)), remapped(root)), []);
});

test('an image may set any user, so a workspace that no mapped user owns is refused', t => {
  const path = folder(t, 0o755);
  const { uid, gid } = ownerOf(path);
  const plan = bound(path, { image: 'debian' });
  t.regex(
    permissionProblems(plan, remapped({ uid: unprivileged, gid: unprivileged }))[0]!,
    /any user of its image/,
  );
  t.deepEqual(permissionProblems(plan, remapped({ uid: uid - 1000, gid: gid - 1000 })), []);
});

test('an unknown user mapping or an unmounted workspace is not refused', t => {
  const path = folder(t, 0o700);
  t.deepEqual(permissionProblems(bound(path), remapped(null)), []);
  const copy = bound(path, { workspace: { mode: 'copy', path } });
  t.deepEqual(permissionProblems(copy, remapped({ uid: unprivileged, gid: unprivileged })), []);
});

test('mounts and logins are checked on an engine that remaps users', t => {
  const path = folder(t, 0o777);
  const login = join(path, 'login');
  const data = join(path, 'data');
  writeFileSync(login, '', { mode: 0o600 });
  mkdirSync(data);
  chmodSync(data, 0o755);
  const mount = (readOnly: boolean) => [{ source: data, target: '/data', readOnly }];
  const problems = (more: Partial<AgentPlan>) =>
    permissionProblems(bound(path, more), remapped({ uid: unprivileged, gid: unprivileged }));
  t.deepEqual(problems({ mounts: mount(true) }), []);
  t.regex(problems({ mounts: mount(false) })[0]!, /^agents\.a\.mounts\[0\]\.source: .* may not write to /);
  const auth = { files: [{ source: login, home: '.login', isCopied: true }], sshAgent: null };
  t.regex(
    problems({ auth })[0]!,
    /^agents\.a\.auth: .* may not read .*login.*\. Leave it out under "auth"$/,
  );
  t.deepEqual(permissionProblems(bound(path, { auth }), unrestrictedEngine), []);
});

test('a user other than root has no access to the workspace on a rootless engine', t => {
  const path = folder(t, 0o700);
  const user = ownerOf(path).uid === 0 ? { uid: 1000, gid: 1000 } : ownerOf(path);
  const [problem = ''] = permissionProblems(bound(path, { user }), rootless);
  t.regex(problem, /^agents\.a\.user: .* on a rootless engine, may not work in .*Leave "user" out/);
  t.deepEqual(permissionProblems(bound(folder(t, 0o777), { user }), rootless), []);
});
