import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { UsageError } from '../../../src/errors.ts';
import { checkLiveRuns, checkPlaces, livePlaces } from '../../../src/preflight/check-mounts.ts';
import type { AgentPlan, FlowPlan } from '../../../src/spec/plan.ts';
import { takeLock } from '../../../src/store/lock.ts';
import { ownIdentity } from '../../../src/store/lock-holder.ts';
import { writeRunFile } from '../../../src/store/run-file.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import { folder } from '../_helpers/repositories.ts';

/** Create directories `proj/sub`, `proj-two` and `other`, files `proj/file` and `other/file`, and `link`, a link to `proj`. */
function fixture(t: ExecutionContext) {
  const base = folder(t);
  for (const path of ['proj/sub', 'proj-two', 'other']) mkdirSync(join(base, path), { recursive: true });
  for (const path of ['proj/file', 'other/file']) writeFileSync(join(base, path), '');
  symlinkSync(join(base, 'proj'), join(base, 'link'));
  const at = (path: string) => join(base, path);
  const state = (path = 'state') => openStateDir(at(path));
  return { at, state };
}

const none = { mode: 'none' } as const;
const flow = (...agents: Partial<AgentPlan>[]): FlowPlan => ({
  name: 'f',
  concurrency: null,
  agents: agents.map((agent, index) => ({ ...defaultPlan, workspace: none, name: 'abc'[index]!, ...agent })),
});
const bind = (path: string) => ({ workspace: { mode: 'bind', path } }) as const;
const copy = (path: string) => ({ workspace: { mode: 'copy', path } }) as const;
const clone = (path: string) =>
  ({ workspace: { mode: 'clone', path, repository: path, from: null } }) as const;
const mounts = (source: string, readOnly = true) => ({ mounts: [{ source, target: '/m', readOnly }] });
const auth = (source: string) => ({
  auth: { files: [{ source, home: 'x', isCopied: true }], sshAgent: null },
});

test('a workspace above or in the state directory is refused, but a clone above it is not', t => {
  const { at, state } = fixture(t);
  const inside = state('proj/.cache/agent-flow');
  const refused = (agent: Partial<AgentPlan>, stateDir = inside) => {
    const error = t.throws(() => checkPlaces(flow(agent), stateDir), { instanceOf: UsageError });
    t.is(error?.exitCode, 2);
    t.regex(error?.message ?? '', /^agents\.a\.workspace: .* the state directory .*--state-dir$/);
  };
  for (const path of ['proj', 'proj/', 'proj/.cache', 'link', 'proj/sub/..']) {
    refused(bind(at(path)));
    refused(copy(at(path)));
    t.notThrows(() => checkPlaces(flow(clone(at(path))), inside), `a clone of ${path}`);
  }
  for (const make of [bind, copy, clone]) {
    refused(make(inside.path));
    refused(make(join(inside.path, 'runs')));
    for (const path of ['proj/sub', 'proj-two', 'other'])
      t.notThrows(() => checkPlaces(flow(make(at(path))), inside), path);
  }
  t.notThrows(() => checkPlaces(flow(bind(at('proj'))), state('elsewhere')));
});

test('a source below a path that an agent can write is refused with its field', t => {
  const { at, state } = fixture(t);
  const stateDir = state();
  const file = { secrets: [{ name: 'S', file: at('proj/file') }] };
  const socket = { auth: { files: [], sshAgent: at('proj/file') } };
  const cases: readonly (readonly [Partial<AgentPlan>[], RegExp])[] = [
    [
      [bind(at('proj')), mounts(at('proj/sub'))],
      /^agents\.b\.mounts\[0\]\.source: .*proj\/sub lies in .*proj, where a can/,
    ],
    [
      [{ ...bind(at('proj')), ...mounts(at('proj/file')) }],
      /^agents\.a\.mounts\[0\]\.source.*the agent itself can write/,
    ],
    [[mounts(at('proj'), false), mounts(at('proj/sub'))], /^agents\.b\.mounts/],
    [[mounts(at('proj'), false), bind(at('proj/sub'))], /^agents\.b\.workspace: .*"mode": "clone"/],
    [[bind(at('proj')), auth(at('proj/file'))], /^agents\.b\.auth: /],
    [[bind(at('proj')), socket], /^agents\.b\.auth: /],
    [[bind(at('proj')), file], /^agents\.b\.secrets\[0\]\.file: /],
    [[bind(at('proj')), bind(at('proj/sub'))], /^agents\.b\.workspace: /],
    [[bind(at('proj')), copy(at('proj/sub'))], /^agents\.b\.workspace: /],
    [[bind(at('proj')), clone(at('proj/sub'))], /^agents\.b\.workspace: /],
    [[bind(at('proj')), bind(`${at('proj/sub')}/`)], /^agents\.b\.workspace: /],
    [[bind(at('link')), bind(at('proj/sub'))], /^agents\.b\.workspace: /],
    [[bind(at('proj')), bind(at('link/sub'))], /^agents\.b\.workspace: /],
  ];
  for (const [agents, message] of cases)
    t.throws(
      () => checkPlaces(flow(...agents), stateDir),
      { instanceOf: UsageError, message },
      String(message),
    );
  const allowed: Partial<AgentPlan>[][] = [
    [bind(at('proj')), bind(at('proj')), copy(at('proj'))],
    [bind(at('proj')), mounts(at('proj')), mounts(at('proj'), false)],
    [bind(at('proj')), bind(at('proj-two'))],
    [bind(at('proj/sub')), copy(at('proj')), mounts(at('proj'))],
    [copy(at('proj')), bind(at('proj/sub'))],
    [mounts(at('proj')), mounts(at('proj/sub'))],
    [clone(at('proj')), mounts(at('proj/sub')), file],
    [bind(at('proj')), mounts(at('other/file')), auth(at('other/file'))],
  ];
  for (const agents of allowed)
    t.notThrows(() => checkPlaces(flow(...agents), stateDir), JSON.stringify(agents));
});

const engine = { id: 'ABCD:EFGH', hostName: null, address: { host: '', env: {} } };
const hosts = [{ names: [null], engine }];

test('a live run is checked in both directions, and an ended one is not', async t => {
  const { at, state } = fixture(t);
  const stateDir = state();
  const other = stateDir.run('raaaaaaa');
  mkdirSync(other.path, { mode: 0o700 });
  writeFileSync(other.journal, '');
  writeRunFile(other, { plan: flow(bind(at('proj'))), secret: '5'.repeat(32), hosts });
  const own = stateDir.run('rbbbbbbb');
  const nested = flow(bind(at('proj/sub')));
  const check = (plan: FlowPlan, running = false) => checkLiveRuns(plan, stateDir, own, async () => running);
  await t.notThrowsAsync(check(nested));
  await t.throwsAsync(
    check(nested, true),
    { message: /of the run raaaaaaa can write/ },
    'its agents still run',
  );
  const lock = takeLock(other.lock) as Disposable;
  await t.throwsAsync(check(nested), {
    instanceOf: UsageError,
    message: /^agents\.a\.workspace: .*where a of the run raaaaaaa can write/,
  });
  await t.notThrowsAsync(check(flow(bind(at('proj')))));
  const build = { context: at('proj'), dockerfile: 'Dockerfile', args: {}, target: null };
  await t.throwsAsync(check(flow({ build })), {
    message: /^agents\.a\.build: agents of the run raaaaaaa can/,
  });
  t.deepEqual(livePlaces(stateDir, own), [at('proj')]);
  t.deepEqual(livePlaces(stateDir, other), []);
  lock[Symbol.dispose]();
  t.deepEqual(livePlaces(stateDir, own), [at('proj')], 'agents of an interrupted run may still run');
  writeFileSync(other.result, '{}');
  t.deepEqual(livePlaces(stateDir, own), []);
  rmSync(other.result);
  writeRunFile(other, { plan: nested, secret: '5'.repeat(32), hosts });
  const again = takeLock(other.lock) as Disposable;
  await t.throwsAsync(check(flow(bind(at('proj')))), {
    message: /^agents\.a\.workspace: .*proj contains .*sub, which the run raaaaaaa uses/,
  });
  again[Symbol.dispose]();
  writeFileSync(`${other.lock}.1`, JSON.stringify({ ...ownIdentity(), namespace: 'pid:[1]' }));
  await t.throwsAsync(
    check(flow(bind(at('proj')))),
    { message: /being executed by .*, if that is alive.*agent-flow stop --force raaaaaaa$/ },
    'a lock whose holder cannot be checked is reported with a hint',
  );
  rmSync(`${other.lock}.1`);
  writeRunFile(other, { plan: flow({ build }), secret: '5'.repeat(32), hosts });
  takeLock(other.lock);
  await t.throwsAsync(check(flow(bind(at('proj')))), { message: /what a of the run raaaaaaa is built of/ });
  await t.notThrowsAsync(check(flow(bind(at('other')))));
});
