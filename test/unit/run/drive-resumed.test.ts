import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { fromPromise } from 'xstate';
import type { StepInput } from '../../../machines/agent-types.ts';
import type { EndRecord } from '../../../machines/outcome.ts';
import type { ActorContext } from '../../../src/actors/context.ts';
import { systemClock } from '../../../src/clock.ts';
import type { RunEvent, RunEventBody } from '../../../src/events.ts';
import { reconcile } from '../../../src/recovery/reconcile.ts';
import { drive } from '../../../src/run/drive.ts';
import { trackRun } from '../../../src/run/track-run.ts';
import { controlOf } from '../../../src/spec/control-plan.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { exitCodeOf, statusOf } from '../../../src/state/result.ts';
import { openJournal } from '../../../src/store/journal.ts';
import { readJournal } from '../../../src/store/read-journal.ts';
import { identity } from '../_helpers/actor-ports.ts';
import { folder } from '../_helpers/repositories.ts';
import { parse } from '../_helpers/spec.ts';

const exitCodes: Readonly<Record<string, number>> = { work: 7 };
const codeOf = (name: string) => exitCodes[name] ?? 0;

const spec = {
  agents: {
    work: {},
    rescue: { dependsOn: [{ agent: 'work', on: 'failed' }] },
    chosen: { when: 'agents.work.exitCode == 7 && agents.rescue.status == "succeeded"' },
    unwanted: { when: 'agents.work.status == "succeeded"' },
    unneeded: { dependsOn: [{ agent: 'rescue', on: 'failed' }] },
    report: { dependsOn: [{ agent: 'unwanted', on: 'ended' }] },
    broken: { when: 'agents.unwanted.exitCode > 1' },
    test: { matrix: { node: [20, 22] }, dependsOn: [{ agent: 'broken', on: 'failed' }] },
    last: { dependsOn: ['test', 'chosen'] },
  },
};

const statuses = {
  work: 'failed',
  rescue: 'succeeded',
  chosen: 'succeeded',
  unwanted: 'skipped',
  unneeded: 'skipped',
  report: 'succeeded',
  broken: 'failed',
  'test-20': 'succeeded',
  'test-22': 'succeeded',
  last: 'succeeded',
};

/** Drive a run from the events that its journal has, to its end. Containers that it had have ended in the meantime. */
async function driven(path: string, agents: readonly AgentPlan[], past: readonly RunEvent[]) {
  const file = join(mkdtempSync(join(path, 'run-')), 'journal.jsonl');
  const tracker = trackRun(agents.map(({ name }) => name));
  const journal = openJournal(file, () => 1);
  journal.subscribe(tracker.apply);
  for (const { v: _, seq: __, at: ___, checksum: ____, ...body } of past)
    await journal.append(body as RunEventBody);
  await journal.append(startOf(agents));
  const context = {
    identity: (_: string, attempt: number) => ({ ...identity, attempt }),
    transcript: (name: string, attempt: number) => join(path, name, String(attempt)),
    networks: { blocked: () => [], counted: () => null },
  } as unknown as ActorContext;
  const started: string[] = [];
  const step = <Output>(work: (name: string) => Output) =>
    fromPromise<Output, StepInput>(async ({ input }) => work(input.name));
  const flow = drive(agents, 3, {
    contextOf: () => context,
    knownContextOf: () => context,
    clock: systemClock,
    journal,
    ended: new Set(agents.map(({ name }) => name).filter(name => tracker.record(name).ended)),
    record: tracker.record,
    actors: {
      reconcile: step(name => {
        const record = tracker.record(name);
        const isLeft = record.containerId !== null && record.attemptOutcome === null;
        const fact = { ...identity, id: record.containerId!, ours: true, attempt: 1, specHash: 'h' };
        const end = { exitCode: codeOf(name), oomKilled: false, startedAt: 1, finishedAt: 2 };
        const facts = isLeft ? [{ ...fact, ...end, state: 'exited' as const }] : [];
        return reconcile({ retries: 0, keep: 'never', specHash: 'h' }, record, facts, 3);
      }),
      ensureImage: step(() => ({ image: 'sha256:1' })),
      ensureNetwork: step(() => {}),
      createContainer: step(name => {
        started.push(name);
        return { containerId: name.replaceAll('-', '').padEnd(64, '0') };
      }),
      startContainer: step(() => {}),
      waitForTmux: step(() => null),
      inject: step(() => ({ injectedAt: 5 })),
      watch: step(name => ({ exitCode: codeOf(name), oomKilled: false, reason: 'died', at: 1 }) as const),
      collect: step((name): { record: EndRecord | null } => ({
        record: { reason: 'exit', code: codeOf(name), oomKills: 0 },
      })),
      removeContainer: step(() => {}),
    } as never,
  });
  await flow.done;
  await journal.append({ type: 'engine.reachable' });
  journal[Symbol.dispose]();
  return { events: readJournal(file).events, state: tracker.state(), started };
}

const startOf = (agents: readonly AgentPlan[]): RunEventBody => ({
  type: 'run.started',
  ...{ runId: 'r1234567', name: 'f', version: '1', pid: 1, host: 'h', concurrency: 3 },
  agents: agents.map(agent => ({
    ...{ name: agent.name, dependsOn: [...agent.dependsOn], retries: 0 },
    ...controlOf(agent),
  })),
});

function check(t: ExecutionContext, { events, state }: Awaited<ReturnType<typeof driven>>, title: string) {
  const ends = events.filter(event => event.type === 'agent.ended');
  t.deepEqual(Object.fromEntries(ends.map(({ agent, status }) => [agent, status])), statuses, title);
  t.is(ends.length, Object.keys(statuses).length, `${title}: each agent ends once`);
  const conditions = events.flatMap(event => (event.type === 'agent.condition' ? [event.agent] : []));
  t.deepEqual(conditions.toSorted(), ['broken', 'chosen', 'unwanted'], `${title}: each condition once`);
  t.is(exitCodeOf(state), 1, title);
  t.is(statusOf(state), 'failed', title);
}

test('a run that is resumed after any event of its journal has the same results, and evaluates no condition twice', async t => {
  const path = folder(t);
  mkdirSync(path, { recursive: true });
  const agents = Object.entries(spec.agents).map(([name, fields]) => [name, { command: ['x'], ...fields }]);
  const { agents: plans } = await parse({ agents: Object.fromEntries(agents) });
  const whole = await driven(path, plans, []);
  check(t, whole, 'not resumed');
  t.deepEqual(whole.started.toSorted(), ['chosen', 'last', 'report', 'rescue', 'test-20', 'test-22', 'work']);
  for (const count of whole.events.keys()) {
    const past = whole.events.slice(0, count);
    const resumed = await driven(path, plans, past);
    check(t, resumed, `resumed after ${count} events, the last ${past.at(-1)?.type}`);
    const before = past.flatMap(event =>
      event.type === 'agent.state' && event.containerId !== null ? [event.agent] : [],
    );
    t.deepEqual(
      resumed.started.filter(name => before.includes(name)),
      [],
      `resumed after ${count} events: no agent twice`,
    );
  }
});
