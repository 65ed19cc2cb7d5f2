import test from 'ava';
import fc from 'fast-check';
import { type AnyActorRef, createActor } from 'xstate';
import type { AgentInput, AgentOutput } from '../../../machines/agent-types.ts';
import { flowMachine } from '../../../machines/flow.ts';
import { settleDependants } from '../../../machines/flow-dependencies.ts';
import {
  type AgentPhase,
  endAgent,
  haveAllEnded,
  initialSchedule,
  inPhase,
  outputOf,
  outputsOf,
  phaseOf,
  type Schedule,
} from '../../../machines/flow-schedule.ts';
import { startReady } from '../../../machines/flow-start.ts';
import { manualActor, resolve } from './manual-actor.ts';

const agent = (name: string, dependsOn: readonly string[] = []): AgentInput => ({
  name,
  dependsOn,
  retries: 0,
  keep: 'never',
});
const endOf = (name: string, status: AgentOutput['status']): AgentOutput => ({
  name,
  status,
  exitCode: null,
  error: null,
  containerId: null,
  image: null,
  attempts: [],
});

/** Chains of four. */
const chains = (count: number) =>
  Array.from({ length: count }, (_, index) => agent(`a${index}`, index % 4 === 0 ? [] : [`a${index - 1}`]));

/** Start what may start and skip what cannot, as the machine does. */
function advance(schedule: Schedule) {
  const settled = settleDependants(schedule);
  return { ...startReady(settled.schedule), skipped: settled.outputs.map(({ name }) => name) };
}

const phasesOf = (schedule: Schedule) =>
  schedule.agents.map(({ name }, index) => [name, phaseOf(schedule, index)] as const);

/** Decide the same from the phases of all agents. */
function recomputed(schedule: Schedule) {
  const phases = new Map<string, AgentPhase>(phasesOf(schedule));
  const isLost = (on: string) => !['waiting', 'started', 'succeeded'].includes(phases.get(on) ?? 'unknown');
  const skipped = new Set<string>();
  for (let found = true; found; ) {
    found = false;
    for (const { name, dependsOn } of schedule.agents) {
      if (phases.get(name) !== 'waiting' || !dependsOn.some(isLost)) continue;
      phases.set(name, 'skipped');
      skipped.add(name);
      found = true;
    }
  }
  const ready = schedule.agents.filter(
    ({ name, dependsOn }) =>
      phases.get(name) === 'waiting' && dependsOn.every(on => phases.get(on) === 'succeeded'),
  );
  const running = schedule.agents.filter(({ name }) => phases.get(name) === 'started');
  const started: AgentInput[] = [];
  for (const agent of ready) {
    const all = [...running, ...started];
    const most = agent.host === undefined ? Number.POSITIVE_INFINITY : schedule.hostConcurrency[agent.host]!;
    const onHost = all.filter(({ host }) => host === agent.host).length;
    if (all.length < schedule.concurrency && onHost < most) started.push(agent);
  }
  return { skipped, started };
}

/** Graphs without cycles, listed in any order. `a40` does not exist. */
const graphs = fc
  .array(
    fc.record({
      on: fc.uniqueArray(fc.nat(42), { maxLength: 3 }),
      placement: fc.constantFrom({}, { host: 'x' }, { host: 'y' }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .chain(nodes => {
    const agents = nodes.map(({ on, placement }, index) => ({
      ...agent(
        `a${index}`,
        on.filter(at => at < index || at === 40).map(at => `a${at}`),
      ),
      ...placement,
    }));
    return fc.shuffledSubarray(agents, { minLength: agents.length });
  });

test('the ready queue and the counters decide as the phases of all agents do', t => {
  const choices = fc.array(fc.tuple(fc.nat(), fc.constantFrom('succeeded', 'succeeded', 'failed')), {
    minLength: 40,
    maxLength: 40,
  });
  fc.assert(
    fc.property(graphs, fc.integer({ min: 1, max: 5 }), choices, (agents, concurrency, ends) => {
      let schedule = initialSchedule({ agents, concurrency, hostConcurrency: { x: 1, y: 2 } });
      for (const [pick, status] of ends) {
        const expected = recomputed(schedule);
        const { schedule: next, started, skipped } = advance(schedule);
        t.deepEqual([...skipped].toSorted(), [...expected.skipped].toSorted());
        t.deepEqual(started, expected.started);
        schedule = next;
        const running = inPhase(schedule, 'started');
        if (running.length === 0) break;
        const ended = agents[running[pick % running.length]!]!.name;
        schedule = endAgent(schedule, endOf(ended, status as 'succeeded' | 'failed'));
      }
      t.true(haveAllEnded(schedule));
      t.deepEqual(Object.keys(outputsOf(schedule)).toSorted(), agents.map(({ name }) => name).toSorted());
    }),
  );
});

test('an agent that depends on an unknown agent is skipped, with its dependants', t => {
  const { schedule, skipped } = advance(
    initialSchedule({ agents: [agent('a', ['unknown']), agent('b', ['a']), agent('c')], concurrency: 5 }),
  );
  t.deepEqual(skipped, ['a', 'b']);
  t.is(outputOf(schedule, 'a')?.error?.message, 'depends on unknown, which did not succeed');
  t.deepEqual(phasesOf(schedule).at(-1), ['c', 'started']);
});

test('a host without resources ends the agents that wait for it, and no others', t => {
  const on = (host: string, ...[name, dependsOn]: Parameters<typeof agent>) => ({
    ...agent(name, dependsOn),
    host,
  });
  const agents = [on('x', 'a'), on('x', 'b'), agent('c', ['b']), agent('d'), on('y', 'e')];
  const { schedule } = advance(initialSchedule({ agents, concurrency: 1 }));
  const error = { phase: 'creating', kind: 'outOfResources', message: 'no room' } as const;
  const ended = advance(endAgent(schedule, { ...endOf('a', 'failed'), error }));
  t.deepEqual(ended.skipped, ['b', 'c']);
  t.is(outputOf(ended.schedule, 'b')?.error?.kind, 'outOfResources');
  t.is(outputOf(ended.schedule, 'c')?.error?.kind, 'dependency');
  t.deepEqual(
    ended.started.map(({ name }) => name),
    ['d'],
  );
});

test('the end of one of 10,000 agents leaves the entries of all others identical', t => {
  const { schedule: before } = advance(initialSchedule({ agents: chains(10_000), concurrency: 100 }));
  const { schedule: after, started } = advance(endAgent(before, endOf('a40', 'succeeded')));
  // The agent that ended, its dependant, and the one that takes its place.
  t.deepEqual(
    started.map(({ name }) => name),
    ['a41'],
  );
  t.true(copiedEntries(before.members.root, after.members.root) < 200);
  t.is(after.indices, before.indices);
  t.is(after.dependants, before.dependants);
});

test('an agent that has ended is no longer a child of the flow', t => {
  const hand = manualActor('agent');
  const flow = createActor(flowMachine.provide({ actors: { agent: hand as never } }), {
    input: { agents: chains(8), concurrency: 2 },
  }).start();
  const children = () => flow.getSnapshot().children as Record<string, AnyActorRef>;
  t.deepEqual(Object.keys(children()), ['a0', 'a4']);
  resolve(children().a0!, endOf('a0', 'succeeded'));
  t.deepEqual(Object.keys(children()), ['a4', 'a1']);
});

/** Count the entries of the nodes that are not shared. */
function copiedEntries(before: unknown, after: unknown): number {
  if (before === after || !Array.isArray(before) || !Array.isArray(after)) return 0;
  return after.reduce((sum: number, node, at) => sum + copiedEntries(before[at], node), after.length);
}
