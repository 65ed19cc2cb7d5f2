import test from 'ava';
import { type Actor, type AnyActorRef, createActor, type Snapshot } from 'xstate';
import { agentMachine } from '../../../machines/agent.ts';
import type { AgentInput } from '../../../machines/agent-types.ts';
import { flowMachine } from '../../../machines/flow.ts';
import { resolve } from './manual-actor.ts';
import { collected, died, resultOf } from './scenarios/story.ts';
import { type AgentSnapshot, expectPlain, placeOf, withManualActors } from './walk.ts';

const machine = flowMachine.provide({ actors: { agent: withManualActors(agentMachine) } });
type Flow = Actor<typeof machine>;

const agents: readonly AgentInput[] = [
  { name: 'base', dependsOn: [], retries: 1, keep: 'never' },
  { name: 'independent', dependsOn: [], retries: 0, keep: 'on-failure' },
  { name: 'top', dependsOn: ['base'], retries: 0, keep: 'never' },
];

const start = (snapshot?: Snapshot<unknown>): Flow =>
  createActor(machine, { input: { agents, concurrency: 2 }, ...(snapshot && { snapshot }) }).start();

/** Continue with a flow restored from this one's persisted snapshot, after a round trip through JSON. */
function restored(flow: Flow): Flow {
  const persisted = flow.getPersistedSnapshot();
  expectPlain('the persisted snapshot', persisted);
  flow.stop();
  return start(JSON.parse(JSON.stringify(persisted)));
}

interface Story {
  /** Exit codes of the attempts of each agent. */
  readonly exits: Readonly<Record<string, readonly number[]>>;
  /** An event to send in place of a step. */
  readonly sends?: readonly [number, Parameters<Flow['send']>[0]];
}

/** Settle the current actor of the first running agent. */
function takeStep(flow: Flow, { exits }: Story): void {
  const children = Object.values(flow.getSnapshot().children as Record<string, AnyActorRef>);
  const running = children.filter(child => child.getSnapshot().status === 'active');
  const { value, context, children: actors } = running[0]!.getSnapshot() as AgentSnapshot;
  const place = placeOf(value);
  const exitCode = exits[context.name]?.[context.attempt - 1] ?? 0;
  const results = new Map<string, unknown>([
    ...resultOf,
    ['running', died(exitCode)],
    ['interrupting', died(130)],
    ['reading', collected(exitCode)],
  ]);
  resolve(Object.values(actors)[0]!, results.get(place));
}

/** Run the story to its end, and restore the flow before step `at`. */
function runStory(scenario: Story, at: number | null) {
  let flow = start();
  const states: string[] = [];
  for (let step = 0; flow.getSnapshot().status === 'active'; step++) {
    if (step > 200) throw new Error('the flow does not end');
    if (step === at) flow = restored(flow);
    if (step === scenario.sends?.[0]) flow.send(scenario.sends[1]);
    else takeStep(flow, scenario);
    states.push(JSON.stringify(flow.getSnapshot().value));
  }
  return { output: flow.getSnapshot().output, states, last: restored(flow).getSnapshot() };
}

const stories: Readonly<Record<string, Story>> = {
  'whose agents all succeed': { exits: {} },
  'with an agent that succeeds at its second attempt': { exits: { base: [1, 0] } },
  'with a failed and a skipped agent': { exits: { base: [1, 1] } },
  'that is cancelled': { exits: {}, sends: [9, { type: 'CANCEL', reason: 'requested' }] },
  'that is killed': { exits: {}, sends: [9, { type: 'KILL' }] },
  'with a cancelled agent': {
    exits: {},
    sends: [5, { type: 'CANCEL_AGENT', name: 'base', reason: 'requested' }],
  },
};

for (const [title, scenario] of Object.entries(stories))
  test(`a flow ${title} has the same output if it is restored from JSON before any step`, t => {
    const uninterrupted = runStory(scenario, null);
    t.true(uninterrupted.states.length > 5);
    for (let at = 0; at < uninterrupted.states.length; at++) {
      const { output, states } = runStory(scenario, at);
      t.deepEqual(output, uninterrupted.output, `restored before step ${at}`);
      t.deepEqual(states, uninterrupted.states);
    }
    t.is(uninterrupted.last.status, 'done');
    t.deepEqual(uninterrupted.last.output, uninterrupted.output);
  });
