import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { DockerResult } from '../../../src/docker/cli.ts';
import { type FlowError, RunStateError } from '../../../src/errors.ts';
import type { RunEventBody } from '../../../src/events.ts';
import { notifier } from '../../../src/notify/notifier.ts';
import { finishRun } from '../../../src/run/finish-run.ts';
import type { OpenRun } from '../../../src/run/open-run.ts';
import type { DrivenRun } from '../../../src/run/start-actors.ts';
import { trackRun } from '../../../src/run/track-run.ts';
import { openJournal } from '../../../src/store/journal.ts';
import { readJournal } from '../../../src/store/read-journal.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { fakeClient, fakeClock } from '../_helpers/actor-ports.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import { folder } from '../_helpers/repositories.ts';
import { attemptEnds, ends, enters, started } from '../_helpers/story.ts';

interface Situation {
  readonly agentsEnd?: boolean;
  readonly machines?: Promise<void>;
  readonly ps?: Partial<DockerResult>;
  readonly isResumed?: boolean;
  readonly isSettled?: boolean;
  /** Hosts that cannot be reached. */
  readonly unreachable?: readonly string[];
  readonly released?: Promise<readonly string[]>;
}

/** A run of agent `a` without a clone, whose machines end as `machines` does. */
async function desk(
  t: ExecutionContext,
  {
    agentsEnd = true,
    machines = Promise.resolve(),
    ps = {},
    isResumed = false,
    isSettled = false,
    unreachable = [],
    released = Promise.resolve([]),
  }: Situation = {},
) {
  const stateDir = openStateDir(join(folder(t), 'state'));
  const run = stateDir.run('r1234567');
  mkdirSync(run.path, { mode: 0o700 });
  const { clock } = fakeClock();
  const { docker, calls } = fakeClient(([verb]) => (verb === 'ps' ? ps : undefined));
  const tracker = trackRun(['a']);
  const journal = openJournal(run.journal, clock.now);
  t.teardown(() => journal[Symbol.dispose]());
  journal.subscribe(tracker.apply);
  const story = [
    started({ a: [] }),
    enters(1, 'a', 'running', { containerId: 'c1' }),
    attemptEnds(2, 'a'),
    ...(agentsEnd ? [ends(2, 'a')] : []),
  ];
  for (const { v: _, seq: __, at: ___, ...body } of story) await journal.append(body as RunEventBody);
  const halted = Promise.withResolvers<FlowError | null>();
  const order: string[] = [];
  const note = (event: string) => void order.push(`${event} after ${calls.length} calls`);
  let isHalted = false;
  let isClosed = false;
  const open = {
    run: {
      plan: { name: 'f', concurrency: null, agents: [{ ...defaultPlan, name: 'a' }] },
      folder: run,
      isResumed,
    },
    stateDir,
    clock,
    journal,
    tracker,
    halted,
    notifier: notifier([], { clock, warn: t.fail, redact: value => value }),
    ending: new AbortController(),
  } as unknown as OpenRun;
  const actors = {
    driver: {
      done: machines,
      halt: () => {
        isHalted = true;
      },
    },
    fleet: {
      hosts: [
        {
          host: { docker, ledger: { docker, isSettled: () => isSettled }, hasOtherFiles: false },
          plan: open.run.plan,
          context: { clone: () => null, cloneVolume: () => null, networks: { close: async () => false } },
        },
      ],
      ...fleetEnds({ unreachable, released }, note),
    },
    loss: { settle: async () => note('settled') },
    following: null,
    closeWatchers: async () => {
      isClosed = true;
    },
  } as unknown as DrivenRun;
  const events = () => readJournal(run.journal).events;
  return {
    run,
    calls,
    order,
    events,
    halted,
    isHalted: () => isHalted,
    isClosed: () => isClosed,
    finish: () => finishRun(open, actors),
  };
}

/** The parts of a fleet that end a run. */
const fleetEnds = (
  { unreachable, released }: Pick<Situation, 'unreachable' | 'released'>,
  note: (event: string) => void,
) => ({
  async connectAll() {
    note('connected');
    return unreachable;
  },
  async releaseAll() {
    note('released');
    return released;
  },
});

test('a run whose agents have ended has its result before the last event of the journal', async t => {
  const { finish, run, events, isClosed, calls } = await desk(t);
  t.like(await finish(), { exitCode: 0, isClean: true });
  t.like(JSON.parse(readFileSync(run.result, 'utf8')), { status: 'succeeded' });
  t.like(events().at(-1), { type: 'run.ended', status: 'succeeded', exitCode: 0 });
  t.true(isClosed());
  t.true(calls.some(call => call.startsWith('ps --all') && call.includes('run-id=r1234567')));
});

test('containers whose removal docker has confirmed are not listed again', async t => {
  const { finish, calls } = await desk(t, { isSettled: true });
  t.like(await finish(), { exitCode: 0, isClean: true });
  t.deepEqual(calls, []);
});

test('a resumed run lists containers, which an earlier process may have created', async t => {
  const { finish, calls } = await desk(t, { isSettled: true, isResumed: true });
  t.like(await finish(), { exitCode: 0, isClean: true });
  t.is(calls.length, 1);
});

test('a removal that cannot be confirmed is a warning, and exits with 3', async t => {
  const { finish, events } = await desk(t, { ps: { stderr: 'Cannot connect to the Docker daemon' } });
  t.like(await finish(), { exitCode: 3, isClean: false });
  const [warning] = events().filter(({ type }) => type === 'warning');
  t.like(warning, {
    message: "could not confirm removal of this run's containers. Run agent-flow cleanup",
  });
});

test('every host is connected, and lost attempts are saved, before the sweep; reservations are released after it', async t => {
  const { finish, order } = await desk(t);
  t.like(await finish(), { exitCode: 0, isClean: true });
  t.deepEqual(order, ['connected after 0 calls', 'settled after 0 calls', 'released after 1 calls']);
});

test('a host that cannot be reached, and reservations that cannot be released, exit with 3', async t => {
  for (const [situation, left] of [
    [{ unreachable: ['h2'] }, "this run's containers on h2"],
    [{ released: Promise.reject(new Error('no leader')) }, "this run's reservations"],
  ] as const) {
    const { finish, events } = await desk(t, situation);
    t.like(await finish(), { exitCode: 3, isClean: false });
    const [warning] = events().filter(({ type }) => type === 'warning');
    t.like(warning, { message: `could not confirm removal of ${left}. Run agent-flow cleanup` });
  }
});

test('a run with unfinished agents is detached from, without a result', async t => {
  const { finish, run, events, calls, isClosed } = await desk(t, { agentsEnd: false });
  t.like(await finish(), { exitCode: 0, isClean: true });
  t.false(existsSync(run.result));
  t.not(events().at(-1)!.type, 'run.ended');
  t.deepEqual(calls, []);
  t.true(isClosed());
});

test('a halted run stops its machines, and acts on Docker no more', async t => {
  const { finish, halted, calls, run, isHalted } = await desk(t, { machines: new Promise(() => {}) });
  const error = new RunStateError('the disk is full');
  halted.resolve(error);
  t.is(await t.throwsAsync(finish()), error);
  t.true(isHalted());
  t.deepEqual(calls, []);
  t.false(existsSync(run.result));
});

test('a run that is detached from resolves', async t => {
  const { finish, halted, isHalted } = await desk(t, { machines: new Promise(() => {}) });
  halted.resolve(null);
  t.like(await finish(), { exitCode: 0, isClean: true });
  t.true(isHalted());
});

test('the containers of a broken machine are removed before its error is thrown', async t => {
  const error = new Error('a defect');
  const machines = Promise.reject(error);
  machines.catch(() => {});
  const { finish, calls, run } = await desk(t, { machines });
  t.is(await t.throwsAsync(finish()), error);
  t.true(calls.some(call => call.startsWith('ps ')));
  t.false(existsSync(run.result));
});

test('a result that cannot be written is reported with how to write it', async t => {
  const { finish, run } = await desk(t);
  mkdirSync(run.result);
  mkdirSync(join(run.result, 'x'));
  await t.throwsAsync(finish(), {
    instanceOf: RunStateError,
    message: /only the result is missing\. agent-flow resume r1234567 writes it/,
  });
});
