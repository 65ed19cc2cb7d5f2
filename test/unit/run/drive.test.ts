import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { fromPromise } from 'xstate';
import type { StepInput } from '../../../machines/agent-types.ts';
import type { End, EndRecord } from '../../../machines/outcome.ts';
import type { ActorContext } from '../../../src/actors/context.ts';
import { systemClock } from '../../../src/clock.ts';
import { type AgentRecord, emptyRecord } from '../../../src/recovery/record.ts';
import { drive } from '../../../src/run/drive.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { openJournal } from '../../../src/store/journal.ts';
import { readJournal } from '../../../src/store/read-journal.ts';
import { identity } from '../_helpers/actor-ports.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';
import { folder } from '../_helpers/repositories.ts';
import { decision } from '../machines/scenarios/story.ts';

const end: End = { exitCode: 0, oomKilled: false, reason: 'died', at: 1 };
const fresh = decision('building', { reason: 'nothing exists' });

/** Drives these agents with actors that succeed at once, after `released`. */
function desk(
  t: ExecutionContext,
  agents: readonly Partial<AgentPlan>[],
  {
    released = Promise.resolve(),
    ended = new Set<string>(),
    record,
  }: { released?: Promise<void>; ended?: Set<string>; record?: (agent: string) => AgentRecord } = {},
) {
  const path = folder(t);
  mkdirSync(join(path, 'run'));
  const file = join(path, 'run', 'journal.jsonl');
  const journal = openJournal(file, () => 1);
  t.teardown(() => journal[Symbol.dispose]());
  const step = <Output>(work: (input: StepInput) => Output | Promise<Output>) =>
    fromPromise<Output, StepInput>(async ({ input }) => work(input));
  const context = {
    identity: (_: string, attempt: number) => ({ ...identity, attempt }),
    transcript: (name: string, attempt: number) => join(path, name, String(attempt)),
    networks: { blocked: () => [], counted: () => null },
  } as unknown as ActorContext;
  const inspected: unknown[] = [];
  const flow = drive(
    agents.map((agent, index) => ({ ...defaultPlan, name: 'abc'[index]!, ...agent })),
    2,
    {
      contextOf: () => context,
      knownContextOf: () => context,
      clock: systemClock,
      journal,
      ended,
      ...(record && { record }),
      inspect: event => void inspected.push(event),
      actors: {
        reconcile: step(async () => {
          await released;
          return fresh;
        }),
        ensureImage: step(() => ({ image: 'sha256:1' })),
        ensureNetwork: step(() => {}),
        createContainer: step(({ name }) => ({ containerId: name.padEnd(64, '0') })),
        startContainer: step(() => {}),
        waitForTmux: step((): End | null => null),
        inject: step(() => ({ injectedAt: 5 })),
        watch: step((): End | 'overdue' => end),
        collect: step((): { record: EndRecord | null } => ({
          record: { reason: 'exit', code: 0, oomKills: 0 },
        })),
        removeContainer: step(() => {}),
      } as never,
    },
  );
  const events = async () => {
    await journal.append({ type: 'engine.reachable' });
    return readJournal(file).events;
  };
  return { flow, events, inspected };
}

test('every agent is driven to its end, and its transitions are journaled', async t => {
  const { flow, events, inspected } = desk(t, [{}, { dependsOn: ['a'] }]);
  await flow.done;
  const all = await events();
  t.deepEqual(
    all.flatMap(event => (event.type === 'agent.ended' ? [[event.agent, event.status]] : [])),
    [
      ['a', 'succeeded'],
      ['b', 'succeeded'],
    ],
  );
  const states = all.flatMap(event =>
    event.type === 'agent.state' && event.agent === 'a' ? [event.state] : [],
  );
  t.is(states[0], 'reconciling');
  t.true(states.includes('building'));
  t.true(inspected.length > 0);
});

test('a cancel is journaled, and agents that had not started have their outcome', async t => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { flow, events } = desk(t, [{}, { dependsOn: ['a'] }], { released: promise });
  flow.cancel('enough');
  resolve();
  await flow.done;
  const all = await events();
  t.true(all.some(event => event.type === 'run.cancel' && event.reason === 'enough'));
  const outcome = all.find(event => event.type === 'agent.ended' && event.agent === 'b');
  t.like(outcome, { status: 'cancelled' });
});

test('an outcome that the journal has already is not journaled again', async t => {
  const { flow, events } = desk(t, [{}, { dependsOn: ['a'] }], { ended: new Set(['b']) });
  flow.cancel('enough');
  await flow.done;
  t.false((await events()).some(event => event.type === 'agent.ended' && event.agent === 'b'));
});

test('a cancel of one agent leaves the others', async t => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { flow, events } = desk(t, [{}, {}], { released: promise });
  flow.cancelAgent('a', 'enough');
  resolve();
  await flow.done;
  const all = await events();
  t.true(all.some(event => event.type === 'agent.cancel' && event.agent === 'a'));
  t.deepEqual(
    all
      .flatMap(event => (event.type === 'agent.ended' ? [[event.agent, event.status]] : []))
      .toSorted(([a], [b]) => (a! < b! ? -1 : 1)),
    [
      ['a', 'cancelled'],
      ['b', 'succeeded'],
    ],
  );
});

test('requests after the end have no effect', async t => {
  const { flow, events } = desk(t, [{}]);
  await flow.done;
  flow.cancel('late');
  flow.cancelAgent('a', 'late');
  flow.kill();
  t.false((await events()).some(({ type }) => type === 'run.cancel' || type === 'agent.cancel'));
});

const conditional = { dependsOn: ['a'], on: { a: 'ended' }, when: 'agents.a.status == "succeeded"' } as const;

test('a condition is journaled before its agent starts', async t => {
  const { flow, events } = desk(t, [{}, conditional]);
  await flow.done;
  const all = await events();
  const condition = all.findIndex(event => event.type === 'agent.condition');
  const start = all.findIndex(event => event.type === 'agent.state' && event.agent === 'b');
  t.like(all[condition], { agent: 'b', holds: true, reason: `when: ${conditional.when} is true` });
  t.true(condition < start);
});

test('an agent whose condition is false has its outcome after the condition', async t => {
  const { flow, events } = desk(t, [{}, { ...conditional, when: 'agents.a.exitCode == 1' }]);
  await flow.done;
  const ofB = (await events()).filter(event => 'agent' in event && event.agent === 'b');
  t.deepEqual(
    ofB.map(({ type }) => type),
    ['agent.condition', 'agent.ended'],
  );
  t.like(ofB[1], { status: 'skipped', error: { kind: 'when' } });
});

test('a resumed run takes conditions and ends without a start from the journal', async t => {
  const skipped = { status: 'skipped', exitCode: null, error: null } as const;
  const records: Readonly<Record<string, Partial<AgentRecord>>> = {
    b: { condition: { holds: false, reason: 'recorded' } },
    c: { ended: true, outcome: skipped },
  };
  const { flow, events } = desk(t, [{}, conditional, { dependsOn: ['a'] }], {
    ended: new Set(['c']),
    record: agent => ({ ...emptyRecord, ...records[agent] }),
  });
  await flow.done;
  const all = await events();
  t.false(all.some(event => event.type === 'agent.condition'));
  t.like(
    all.find(event => event.type === 'agent.ended' && event.agent === 'b'),
    { status: 'skipped', error: { message: 'recorded' } },
  );
  t.false(all.some(event => 'agent' in event && event.agent === 'c'));
});

test('the condition of an agent that is cancelled is not evaluated', async t => {
  const { flow, events } = desk(t, [{}, conditional], {
    record: agent => ({ ...emptyRecord, cancelled: agent === 'b' }),
  });
  await flow.done;
  t.false((await events()).some(event => event.type === 'agent.condition'));
});
