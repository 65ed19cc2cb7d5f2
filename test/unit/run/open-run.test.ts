import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Connection } from '../../../src/connection/connect.ts';
import type { RunEvent } from '../../../src/events.ts';
import { openRun, stopReason } from '../../../src/run/open-run.ts';
import type { LockedRun, RunOptions } from '../../../src/run/run.ts';
import { bufferedSink } from '../../../src/store/buffered-sink.ts';
import { readJournal } from '../../../src/store/read-journal.ts';
import { openStateDir } from '../../../src/store/state-directory.ts';
import { engine, fakeClock } from '../_helpers/actor-ports.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import { folder } from '../_helpers/repositories.ts';
import { at, enters, started } from '../_helpers/story.ts';

/** Opens a run of the agents `a` and `b`. */
async function open(t: ExecutionContext, more: Partial<LockedRun> = {}, options: Partial<RunOptions> = {}) {
  const stateDir = openStateDir(join(folder(t), 'state'));
  const run = stateDir.run('r1234567');
  mkdirSync(run.path, { mode: 0o700 });
  const context = {
    plan: { name: 'f', concurrency: null, agents: ['a', 'b'].map(name => ({ ...defaultPlan, name })) },
    hosts: [{ names: [null] }],
    vault: { learn: () => {}, redactor: { deep: (value: unknown) => value } },
    folder: run,
    past: [],
    ...more,
  } as unknown as LockedRun;
  const own = { names: [null], engine: { ...engine, memory: 8 * 2 ** 30 }, address: { host: '', env: {} } };
  const connection = {
    hosts: [own],
    early: bufferedSink(),
  } as unknown as Connection;
  const opened = await openRun(context, connection, { stateDir, clock: fakeClock().clock, ...options });
  t.teardown(() => opened.journal[Symbol.dispose]());
  const events = () => readJournal(run.journal).events;
  return { ...opened, events };
}

const types = (events: readonly RunEvent[]) => events.map(({ type }) => type);

test('a fresh run begins with its agents and its concurrency', async t => {
  const { events, concurrency, tracker } = await open(t);
  const [first] = events();
  t.like(first, { type: 'run.started', runId: 'r1234567', seq: 1, concurrency: 2 });
  t.is(concurrency, 2);
  t.deepEqual(Object.keys(tracker.state().agents), ['a', 'b']);
});

test('a resumed run replays its past, and continues its sequence', async t => {
  const past = [
    { ...started({ a: [], b: [] }), seq: 1 },
    { ...enters(1, 'a', 'running', { containerId: 'c1' }), seq: 7 },
  ];
  const replayed: RunEvent[][] = [];
  const emitted: RunEvent[] = [];
  const { events, tracker } = await open(
    t,
    { past },
    {
      onPast: all => void replayed.push([...all]),
      onEvent: event => void emitted.push(event),
    },
  );
  t.is(tracker.record('a').containerId, 'c1');
  t.deepEqual(replayed, [past]);
  t.is(events()[0]!.seq, 8);
  t.is(emitted[0]!.type, 'run.started');
});

test('warnings are journaled once, also across a resume', async t => {
  const fresh = await open(t, { warnings: ['look out'] });
  await fresh.journal.append({ type: 'engine.reachable' });
  t.true(fresh.events().some(event => event.type === 'warning' && event.message === 'look out'));
  const past = [
    { ...started({ a: [], b: [] }), seq: 1 },
    { ...at(1, { type: 'warning', agent: null, message: 'look out' }), seq: 2 },
  ];
  const resumed = await open(t, { past, warnings: ['look out'] });
  await resumed.journal.append({ type: 'engine.reachable' });
  t.false(types(resumed.events()).includes('warning'));
});

test('a request to stop is journaled before anything else happens', async t => {
  const all = await open(t, {}, { stopOnly: { agent: null } });
  t.like(all.events().at(-1), { type: 'run.cancel', reason: stopReason });
  const one = await open(t, {}, { stopOnly: { agent: 'b' } });
  t.like(one.events().at(-1), { type: 'agent.cancel', agent: 'b', reason: stopReason });
  t.true(one.tracker.record('b').cancelled);
  t.false(one.tracker.record('a').cancelled);
});

test('a run halts when every agent waits for secrets, and not before', async t => {
  const { journal, halted } = await open(t);
  const wait = (agent: string) => {
    const {
      v: _,
      seq: __,
      at: ___,
      ...body
    } = enters(1, agent, 'waitingForSecrets', {
      cause: 'the secret X is not set',
    });
    return journal.append(body);
  };
  let reason: Error | null = null;
  void halted.promise.then(error => {
    reason = error;
  });
  const { v: _, seq: __, at: ___, ...running } = enters(1, 'b', 'running');
  await journal.append(running);
  await wait('a');
  t.is(reason, null);
  await wait('b');
  t.regex((await halted.promise)!.message, /^r1234567 cannot continue: the secret X is not set\. Fix it/);
});
