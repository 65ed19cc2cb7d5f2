import test from 'ava';
import { type Actor, type AnyActorRef, createActor, type Snapshot } from 'xstate';
import { agentMachine } from '../../../machines/agent.ts';
import type { AgentInput } from '../../../machines/agent-types.ts';
import { flowMachine } from '../../../machines/flow.ts';
import { resolve } from './by-hand.ts';
import { answerOf, died, said } from './scenarios/story.ts';
import { type AgentSnapshot, expectPlain, handed, placeOf } from './walk.ts';

const machine = flowMachine.provide({ actors: { agent: handed(agentMachine) } });
type Flow = Actor<typeof machine>;

const agents: readonly AgentInput[] = [
  { name: 'base', dependsOn: [], retries: 1, keep: 'never' },
  { name: 'apart', dependsOn: [], retries: 0, keep: 'on-failure' },
  { name: 'top', dependsOn: ['base'], retries: 0, keep: 'never' },
];

const begin = (snapshot?: Snapshot<unknown>): Flow =>
  createActor(machine, { input: { agents, concurrency: 2 }, ...(snapshot && { snapshot }) }).start();

/** Continue with a flow restored from this one's persisted snapshot, after a round trip through JSON. */
function restored(flow: Flow): Flow {
  const persisted = flow.getPersistedSnapshot();
  expectPlain('the persisted snapshot', persisted);
  flow.stop();
  return begin(JSON.parse(JSON.stringify(persisted)));
}

interface Story {
  /** Exit codes of the attempts of each agent. */
  readonly exits: Readonly<Record<string, readonly number[]>>;
  /** Events to send, by the step before which they are sent. */
  readonly sends?: readonly [number, Parameters<Flow['send']>[0]];
}

/** Settle the next actor of the first agent that runs. */
function takeStep(flow: Flow, { exits }: Story): void {
  const living = Object.values(flow.getSnapshot().children as Record<string, AnyActorRef>);
  const [agent] = living.filter(child => child.getSnapshot().status === 'active');
  const { value, context, children } = agent!.getSnapshot() as AgentSnapshot;
  const place = placeOf(value);
  const exitCode = exits[context.name]?.[context.attempt - 1] ?? 0;
  const answers = new Map<string, unknown>([
    ...answerOf,
    ['running', died(exitCode)],
    ['interrupting', died(130)],
    ['reading', said(exitCode)],
  ]);
  resolve(Object.values(children)[0]!, answers.get(place));
}

/** Play the scenario to its end; `at` is the step before which the flow is restored. */
function play(scenario: Story, at: number | null) {
  let flow = begin();
  const states: string[] = [];
  for (let step = 0; flow.getSnapshot().status === 'active'; step++) {
    if (step > 200) throw new Error('it does not end');
    if (step === at) flow = restored(flow);
    if (step === scenario.sends?.[0]) flow.send(scenario.sends[1]);
    else takeStep(flow, scenario);
    states.push(JSON.stringify(flow.getSnapshot().value));
  }
  return { output: flow.getSnapshot().output, states, last: restored(flow).getSnapshot() };
}

const stories: Readonly<Record<string, Story>> = {
  'of which all succeed': { exits: {} },
  'of which one succeeds at its second attempt': { exits: { base: [1, 0] } },
  'of which one fails and one is skipped': { exits: { base: [1, 1] } },
  'that is cancelled': { exits: {}, sends: [9, { type: 'CANCEL', reason: 'asked to' }] },
  'that is killed': { exits: {}, sends: [9, { type: 'KILL' }] },
  'of which one agent is cancelled': {
    exits: {},
    sends: [5, { type: 'CANCEL_AGENT', name: 'base', reason: 'asked to' }],
  },
};

for (const [title, scenario] of Object.entries(stories))
  test(`a flow ${title} has the same output when it is restored from JSON before any of its steps`, t => {
    const whole = play(scenario, null);
    t.true(whole.states.length > 5);
    for (let at = 0; at < whole.states.length; at++) {
      const { output, states } = play(scenario, at);
      t.deepEqual(output, whole.output, `restored before step ${at}`);
      t.deepEqual(states, whole.states);
    }
    t.is(whole.last.status, 'done');
    t.deepEqual(whole.last.output, whole.output);
  });
