import test from 'ava';
import { getShortestPaths } from 'xstate/graph';
import { agentMachine } from '../../../machines/agent.ts';
import type { AgentEvent, AgentInput, Reconciliation } from '../../../machines/agent-types.ts';
import { isCorrectable } from '../../../machines/correction.ts';
import type { Outcome } from '../../../machines/outcome.ts';
import { isRetryable } from '../../../machines/outcome.ts';
import { quotaResetAt } from '../../../machines/quota.ts';
import { asStepError, StepError } from '../../../machines/step-error.ts';
import {
  badOutput,
  collected,
  collectedNothing,
  decision,
  died,
  failedCheck,
  passedCheck,
  quotaExhausted,
  resultOf,
} from './scenarios/story.ts';
import {
  type AgentMachine,
  type AgentSnapshot,
  expect,
  haveSameActor,
  type Place,
  placeOf,
  type Walk,
  walk,
  workers,
} from './walk.ts';

type Step = { type: string; output?: unknown; error?: unknown };

type Continuation = 'succeeding' | 'failing';

/** A sent event, with the number of states that were visited before it. */
type Sent = { step: Step; visited: number };

/** The machine with two tries per step instead of eight, to limit the number of paths. */
const machine: AgentMachine = agentMachine.provide({
  guards: {
    hasTriesLeft: ({ context, event }) =>
      asStepError((event as unknown as Step).error).kind === 'transient' && context.tries + 1 < 2,
  },
});

/** Errors are created once, since capturing a stack costs as much as a step of the machine. */
const errors = {
  docker: new StepError('docker', 'docker', { at: 0 }),
  transient: new StepError('transient', 'transient', { at: 0, inDoubt: true }),
  unreachable: new StepError('unreachable', 'unreachable', { at: 0 }),
  missingSecret: new StepError('missingSecret', 'missingSecret', { at: 0 }),
};

const inputs: readonly Partial<AgentInput>[] = [
  { retries: 1, keep: 'never' },
  { retries: 0, keep: 'on-failure' },
  { retries: 1, keep: 'always' },
  { retries: 1, keep: 'never', isScheduled: true },
  { retries: 1, keep: 'never', check: { rounds: 2 } },
  { retries: 0, keep: 'always', isScheduled: true, check: { rounds: 2 } },
];
const startupSteps = [
  'building',
  'networking',
  'creating',
  'starting',
  'waitingForTmux',
  'injecting',
  'running',
];
const startup: readonly string[] = [...startupSteps, 'placing', 'pending', 'idle', 'needsInput'];
const scheduled: readonly string[] = ['placing', 'pending', 'releasing'];

for (const input of inputs) {
  const given: AgentInput = { name: 'fixer', dependsOn: [], retries: 0, keep: 'never', ...input };
  const paths = getShortestPaths(machine, {
    input: given,
    events: snapshot => stepsFrom(snapshot) as AgentEvent[],
    serializeState: snapshot => keyOf(snapshot) as never,
  });

  const scheduledTitle = `${given.isScheduled ? ', which is scheduled,' : ''}${given.check ? ', whose work is checked,' : ''}`;
  test(`every path of an agent with ${input.retries} retries and keep "${input.keep}"${scheduledTitle} keeps the guarantees`, t => {
    let walks = 0;
    const ids = new Map(paths.map(({ state }, index) => [state, index]));
    const idOf = (state: AgentSnapshot, { type, output, error }: Step) =>
      JSON.stringify([ids.get(state), type, output, (error as StepError | undefined)?.kind]);
    const longer = new Set(
      paths
        .filter(({ steps }) => steps.length > 1)
        .map(({ steps }) => idOf(steps.at(-2)!.state, steps.at(-1)!.event as Step)),
    );
    for (const { state, steps } of paths) {
      for (const [continuation, last] of endings) {
        // Skip what a longer path repeats, and the continuations of a path that has ended.
        const isRepeated =
          state.status === 'done'
            ? continuation !== 'succeeding' || last !== null
            : longer.has(idOf(state, last ?? nextStep(state, continuation)));
        if (isRepeated) continue;
        walks++;
        const story: Sent[] = [];
        try {
          const agent = walk(machine, input);
          for (const { event, state } of steps.slice(1)) {
            take(agent, event as Step, story);
            expect('a state of the path', placeOf(agent.snapshot.value), placeOf(state.value));
          }
          if (last && agent.snapshot.status !== 'done') take(agent, last, story);
          continueToEnd(agent, story, continuation);
          expectGuarantees(agent, story, given);
        } catch (error) {
          throw new Error(`after ${titleOf(story)}, ended ${continuation}: ${(error as Error).message}`, {
            cause: error,
          });
        }
      }
    }
    t.log(`${paths.length} paths, ${walks} walks`);
    t.true(paths.length > 500);
    const places = new Set(paths.map(({ state }) => placeOf(state.value)));
    t.deepEqual(
      Object.keys(workers).filter(
        place =>
          !places.has(place) &&
          !(place === 'retrying' && given.retries === 0) &&
          !(scheduled.includes(place) && !given.isScheduled) &&
          !(place === 'checking' && !given.check),
      ),
      [],
    );
  });
}

test('an agent restored from JSON in any state ends like one that was not', t => {
  const paths = getShortestPaths(machine, {
    input: { name: 'fixer', dependsOn: [], keep: 'never', ...checkedInput },
    events: snapshot => stepsFrom(snapshot) as AgentEvent[],
    serializeState: ({ value, context: { pendingStep, cancelled, attempt, round, outcome } }) => {
      const waits = outcome !== null && quotaResetAt(outcome) !== null;
      const hasSucceeded = outcome?.status === 'succeeded';
      return JSON.stringify([
        ...[placeOf(value), pendingStep, cancelled, attempt, round, waits, hasSucceeded],
      ]) as never;
    },
  });
  const places = new Set<string>();
  for (const { state, steps } of paths) {
    places.add(placeOf(state.value));
    for (const continuation of ['succeeding', 'failing'] as const) {
      const [restored, other] = [true, false].map(isRestored => {
        const agent = walk(machine, checkedInput);
        for (const { event } of steps.slice(1)) take(agent, event as Step, []);
        const current = placeOf(agent.snapshot.value);
        if (isRestored) expect('the restored state', placeOf(agent.restores().snapshot.value), current);
        continueToEnd(agent, [], continuation);
        return agent;
      }) as [Walk, Walk];
      expect('its output', restored.snapshot.output, other.snapshot.output);
      expect('its emitted events', restored.emitted, other.emitted);
      expect('its path', restored.visited, other.visited);
      expect('its calls', restored.called, other.called);
    }
  }
  t.log(`${paths.length} paths`);
  for (const place of Object.keys(workers)) t.true(places.has(place), place);
});

const checkedInput = { retries: 1, isScheduled: true, check: { rounds: 2 } } as const;

const titleOf = (story: readonly Sent[]) =>
  story.map(({ step: { type } }) => type.replace(/^xstate\.|actor\./g, '')).join(', ');

/** Continuations of each path to its end. They include events that are ignored, which add no path of their own. */
const endings = [
  ['succeeding', null],
  ['failing', null],
  ['succeeding', { type: 'CANCEL' }],
  ['succeeding', { type: 'KILL' }],
] as const;

/** Return every possible next event. */
function stepsFrom(snapshot: AgentSnapshot): readonly Step[] {
  if (snapshot.status === 'done') return [];
  const place = placeOf(snapshot.value) as Place;
  const id = Object.keys(snapshot.children)[0]!;
  const done = (output?: unknown): Step => ({ type: `xstate.done.actor.${id}`, output });
  const failed = (kind: keyof typeof errors): Step => ({
    type: `xstate.error.actor.${id}`,
    error: errors[kind],
  });
  const waits = ['backingOff', 'retrying', 'waitingForQuota'].includes(place);
  return [
    ...outputsAt(place, snapshot).map(done),
    ...(waits ? [] : [failed('docker'), failed('transient'), failed('unreachable')]),
    ...(['building', 'waitingForTmux', 'injecting', 'reading', 'checking'].includes(place)
      ? [failed('missingSecret')]
      : []),
    ...(place === 'placing' || place === 'pending' ? [{ type: 'PENDING' }] : []),
    ...(place === 'running' ? [{ type: 'IDLE' }, { type: 'NEEDS_INPUT' }] : []),
    ...(place === 'idle' || place === 'needsInput' ? [{ type: 'OUTPUT' }] : []),
    { type: 'CANCEL' },
    { type: 'KILL' },
  ];
}

function outputsAt(place: Place, snapshot: AgentSnapshot): readonly unknown[] {
  switch (place) {
    case 'reconciling':
      return decisionsAt(snapshot);
    case 'waitingForTmux':
      return [null, died()];
    case 'running':
    case 'idle':
    case 'needsInput':
      return [died(), died(null, { reason: 'removed' }), 'overdue'];
    case 'interrupting':
    case 'terminating':
    case 'stoppingContainer':
    case 'killing':
      return [died(), null];
    case 'reading':
      return [
        collected(0),
        collected(1),
        collected(124, 'deadline'),
        collectedNothing,
        // The quota is exhausted once only, since the paths would be infinite otherwise.
        ...(snapshot.context.attempt === 1 ? [quotaExhausted(60_000), badOutput(true)] : []),
      ];
    case 'checking':
      return [passedCheck, failedCheck];
    default:
      return [resultOf.get(place)];
  }
}

/** Return the possible results of `reconcile()` for the history of the agent. */
function decisionsAt({ context }: AgentSnapshot): readonly Reconciliation[] {
  const {
    attempt,
    attempts,
    image,
    outcome,
    cancelled,
    injectedAt,
    inDoubt,
    isScheduled,
    round,
    checkResult,
  } = context;
  const known = { attempt, attempts, image, cancelled, injectedAt, round, checkResult };
  if (context.pendingStep === 'checking') return [decision('checking', { ...known, outcome })];
  const containerLost: Outcome = outcome ?? {
    status: 'failed',
    exitCode: null,
    error: { phase: 'reconciling', kind: 'infrastructure', message: 'container lost' },
  };
  const container = { ...known, containerId: 'container-1' };
  const alive = { ...container, started: true };
  const isFirst = context.pendingStep === null && context.containerId === null && !inDoubt;
  const gone = { ...known, outcome: containerLost, inDoubt: true };
  const cleaningUp = [
    decision('stopping', { ...alive, outcome: containerLost }),
    decision('collecting', { ...alive, end: died() }),
    decision('removing', gone),
  ];
  if (outcome !== null) return cleaningUp;
  return [
    ...(isScheduled ? [decision('placing', known)] : []),
    decision('building', known),
    ...(injectedAt === null ? [decision('starting', container), decision('waitingForTmux', alive)] : []),
    decision('running', { ...alive, injectedAt: injectedAt ?? 5_000 }),
    ...cleaningUp,
    ...(isFirst
      ? [
          decision('removing', {
            ...gone,
            cancelled: true,
            outcome: { status: 'cancelled', exitCode: null, error: null },
          }),
          decision('retrying', { ...known, outcome: containerLost }),
          decision('done', { ...known, outcome: containerLost }),
        ]
      : []),
  ];
}

/** Return the part of an agent's context that can change its path. */
function keyOf({ value, context }: AgentSnapshot): string {
  const { containerId, started, end, outcome, pendingStep, tries, inDoubt, cancelled, attempt, injectedAt } =
    context;
  const checked = [context.round, context.checkResult?.status ?? null];
  const ended = outcome && [
    outcome.status,
    isRetryable(outcome),
    quotaResetAt(outcome) !== null,
    isCorrectable(outcome),
  ];
  const known = [containerId !== null, started, end?.reason ?? null, injectedAt !== null];
  return JSON.stringify([
    ...[placeOf(value), ended, known, pendingStep, tries > 0, inDoubt, cancelled, attempt],
    ...checked,
  ]);
}

function take(agent: Walk, step: Step, story: Sent[]): void {
  const { type, output, error } = step;
  story.push({ step, visited: agent.visited.length });
  if (type.startsWith('xstate.done')) agent.resolves(output);
  else if (type.startsWith('xstate.error')) agent.throws(error);
  else agent.sends({ type, reason: 'requested' } as AgentEvent);
}

/** Continue an agent to its end, with successes or with failures only. */
function continueToEnd(agent: Walk, story: Sent[], continuation: Continuation): void {
  for (let steps = 0; agent.snapshot.status !== 'done'; steps++) {
    if (steps > 40) throw new Error(`endless loop: ${agent.visited.slice(-12).join(' > ')}`);
    take(agent, nextStep(agent.snapshot, continuation), story);
  }
}

function nextStep(snapshot: AgentSnapshot, continuation: Continuation): Step {
  const next = stepsFrom(snapshot);
  const bad = continuation === 'failing' && next.find(({ error }) => error === errors.docker);
  return bad || next[0]!;
}

function expectGuarantees(agent: Walk, story: readonly Sent[], input: AgentInput): void {
  const { visited, called } = agent;
  const work = visited.filter(
    (place, index) => place in workers && !haveSameActor(visited[index - 1], place),
  );
  expect(
    'actors, in the order of the states',
    called,
    work.map(place => workers[place as Place]),
  );

  for (const [index, place] of visited.entries()) {
    if (place !== 'removing' && place !== 'removingContainer') continue;
    const after = ['removingContainer', 'evaluating', 'backingOff', 'engineUnreachable', 'removing'];
    if (!after.includes(visited[index + 1]!)) throw new Error(`${visited[index + 1]} follows ${place}`);
  }
  const [lastCreate, lastStart] = [visited.lastIndexOf('creating'), visited.lastIndexOf('starting')];
  if (Math.max(lastCreate, lastStart) > visited.lastIndexOf('removing'))
    throw new Error('a container was created, but never removed');
  const { containerId, inDoubt } = agent.snapshot.context;
  const entered = visited.includes('removing');
  if (entered && input.keep === 'never' && (containerId !== null || inDoubt))
    expect(
      'the last call for the container',
      called
        .filter(
          src =>
            !['waitUntil', 'release', 'check', 'waitForEngine', 'waitForSecrets', 'reconcile'].includes(src),
        )
        .at(-1),
      'removeContainer',
    );

  for (const [index, place] of visited.entries()) {
    if (
      place === 'evaluating' &&
      visited[index + 1] !== 'checking' &&
      (visited[index + 1] === 'releasing') !== (input.isScheduled ?? false)
    )
      throw new Error(`${visited[index + 1]} follows evaluating`);
    if (place === 'placing' && !input.isScheduled) throw new Error('placed without a scheduler');
    if (
      ['retrying', 'waitingForQuota'].includes(place) &&
      input.isScheduled &&
      visited[index + 1] === 'building'
    )
      throw new Error('another attempt was not placed');
  }

  const injected = new Map<number, number>();
  let attempt = 1;
  for (const { step } of story) {
    if (/^xstate\.done\.actor\.(retry|quota)$/.test(step.type)) attempt++;
    if (step.type === 'xstate.done.actor.inject') injected.set(attempt, (injected.get(attempt) ?? 0) + 1);
  }
  if ([...injected.values()].some(times => times > 1)) throw new Error('injected twice in one attempt');

  const cancel = story.find(({ step }) => step.type === 'CANCEL' || step.type === 'KILL');
  const afterwards = cancel ? visited.slice(cancel.visited) : [];
  const forbidden = afterwards.filter(
    place => startup.includes(place) || ['retrying', 'waitingForQuota', 'reconciling'].includes(place),
  );
  expect('states of a cancelled agent that start it again', forbidden, []);
}
