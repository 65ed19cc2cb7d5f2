import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { emptyRecord } from '../../../src/recovery/record.ts';
import { createActorContext } from '../../../src/run/actor-context.ts';
import { spendingOf } from '../../../src/run/budget-port.ts';
import type { RunOnDisk } from '../../../src/run/run-on-disk.ts';
import { vaultOf } from '../../../src/secrets/vault.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import type { AttemptState } from '../../../src/state/agent-state.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import {
  engine,
  fakeClient,
  fakeClock,
  fakeContainers,
  fakeWatcher,
  never,
  rejection,
} from '../_helpers/actor-ports.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import { folder } from '../_helpers/repositories.ts';

function desk(
  t: ExecutionContext,
  agents: readonly Partial<AgentPlan>[] = [{}],
  { attempts = [], ...run }: Partial<RunOnDisk> & { attempts?: readonly Partial<AttemptState>[] } = {},
) {
  const path = folder(t);
  const stateDir = openStateDir(join(path, 'state'));
  const plan = {
    name: 'f',
    concurrency: null,
    agents: agents.map((agent, index) => ({ ...defaultPlan, name: 'abc'[index]!, ...agent })),
  };
  const halts: Error[] = [];
  const context = createActorContext({
    run: { plan, stateDir, folder: stateDir.run('r1234567'), secret: 's1', commits: {}, ...run },
    isResumed: false,
    docker: {
      docker: fakeClient().docker,
      recorder: nullRecorder,
      containers: fakeContainers().containers,
      watcher: fakeWatcher(null).watcher,
      engine: { ...engine, rootDir: '/nowhere/docker' },
      limiter: work => work(),
    },
    time: { clock: fakeClock().clock, deadlineSignal: () => never },
    vault: vaultOf(plan, {}),
    tracker: {
      record: () => emptyRecord,
      attempts: () => attempts as AttemptState[],
      spending: spendingOf(plan),
      outputSize: () => 0,
    },
    emit: async () => {},
    halt: error => void halts.push(error),
    signal: never,
  });
  return { context, stateDir, path, halts };
}

test('the identity of an attempt is derived, so that it is the same in every process', t => {
  const [one, two] = [desk(t), desk(t)];
  const identity = one.context.identity('a', 1);
  t.like(identity, { instance: one.stateDir.instance, runId: 'r1234567', attempt: 1 });
  t.regex(identity.specHash, /^[0-9a-f]{32}$/);
  t.regex(identity.nonce, /^[0-9a-f]{24}$/);
  t.deepEqual(two.context.identity('a', 1), { ...identity, instance: two.stateDir.instance });
});

test('every attempt and every run has a nonce of its own, and every plan a hash of its own', t => {
  const { context } = desk(t, [{}, { command: ['other'] }]);
  const other = desk(t, [{}], { secret: 's2' }).context;
  const nonces = [
    context.identity('a', 1),
    context.identity('a', 2),
    context.identity('b', 1),
    other.identity('a', 1),
  ].map(({ nonce }) => nonce);
  t.is(new Set(nonces).size, 4);
  t.is(context.identity('a', 1).specHash, context.identity('a', 2).specHash);
  t.not(context.identity('a', 1).specHash, context.identity('b', 1).specHash);
});

test('an adopted agent keeps the identity of its container', t => {
  const { context } = desk(t, [{}], { adopted: { a: { nonce: 'n0', specHash: 'f00d' } } });
  t.like(context.identity('a', 1), { nonce: 'n0', specHash: 'f00d' });
});

test('a workspace is shared when another agent of the run has it', t => {
  const bind = (path: string) => ({ workspace: { mode: 'bind', path } }) as const;
  const { context } = desk(t, [bind('/repo'), bind('/repo'), bind('/other')]);
  t.deepEqual(
    ['a', 'b', 'c'].map(name => context.isShared(name)),
    [true, true, false],
  );
  t.deepEqual(context.writablePlaces, ['/repo', '/repo', '/other']);
});

test('a mount that was replaced by a link since the start is a problem', t => {
  const path = folder(t);
  mkdirSync(join(path, 'mounted'));
  const { context } = desk(t, [
    {
      workspace: { mode: 'none' },
      mounts: [{ source: join(path, 'mounted'), target: '/m', readOnly: true }],
    },
  ]);
  t.is(context.mountProblem('a', 1), null);
  renameSync(join(path, 'mounted'), join(path, 'moved'));
  symlinkSync('moved', join(path, 'mounted'));
  t.not(context.mountProblem('a', 1), null);
});

test('work counts as saved by the attempt whose work is in the journal', t => {
  const saved = { attempt: 2, isSaved: true, workspace: null };
  const { context } = desk(t, [{}], { attempts: [{ attempt: 1, isSaved: false }, saved] });
  t.is(context.savedWork('a', 1), null);
  t.is(context.savedWork('a', 2), saved as never);
  t.is(context.savedWork('a', 3), null);
});

test('a host counts as lost for the attempt whose outcome says so', t => {
  const lost = { attempt: 1, error: { phase: 'running', kind: 'hostLost', message: 'unreachable' } };
  const failed = { attempt: 2, error: { phase: 'running', kind: 'infrastructure', message: 'killed' } };
  const { context } = desk(t, [{}], { attempts: [lost, failed, { attempt: 3, error: null }] });
  t.deepEqual(
    [1, 2, 3, 4].map(attempt => context.isHostLost('a', attempt)),
    [true, false, false, false],
  );
});

test('a file that cannot be written halts the run, and the action waits until it is aborted', async t => {
  const { context, halts } = desk(t);
  const error = new Error('disk full');
  const stop = new AbortController();
  const waiting = rejection(context.haltUnwritable(error, stop.signal));
  t.deepEqual(halts, [error]);
  stop.abort(new Error('ending'));
  t.is((await waiting).message, 'ending');
});
