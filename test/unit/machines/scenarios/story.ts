import type { AgentInput, Entry, Reconciliation, Step } from '../../../../machines/agent-types.ts';
import type { CheckResult } from '../../../../machines/check.ts';
import type { End, EndRecord } from '../../../../machines/outcome.ts';
import type { AgentMachine, Place, Walk } from '../walk.ts';
import { walk } from '../walk.ts';

export interface Scenario {
  readonly title: string;
  readonly run: (machine: AgentMachine) => Walk;
}

/** Define a scenario of one agent, which has to run to the agent's end. */
export function scenario(
  title: string,
  run: (agent: Walk) => void,
  input: Partial<AgentInput> = {},
): Scenario {
  return {
    title,
    run(machine) {
      const agent = walk(machine, input);
      run(agent);
      if (!agent.over) throw new Error(`"${title}" does not end`);
      return agent;
    },
  };
}

export const decision = (enter: Entry, known: Partial<Reconciliation> = {}): Reconciliation => ({
  enter,
  reason: 'chosen by the test',
  attempt: 1,
  attempts: [],
  image: null,
  containerId: null,
  started: false,
  injectedAt: null,
  end: null,
  outcome: null,
  cancelled: false,
  inDoubt: false,
  ...known,
});

export const died = (exitCode: number | null = 0, end: Partial<End> = {}): End => ({
  exitCode,
  oomKilled: false,
  reason: 'died',
  at: 9_000,
  ...end,
});

/** Return a result of `collect` with an end record. */
export const collected = (code: number, reason: EndRecord['reason'] = 'exit', oomKills = 0) => ({
  record: { reason, code, oomKills },
});
/** Return a result of `collect` with an exhausted quota and its reset time, null if unknown. */
export const quotaExhausted = (until: number | null) => ({
  record: { ...collected(1).record, providerFailure: { kind: 'quota' as const, message: 'used up', until } },
});
/** Return a result of `collect` with an output that does not count. */
export const badOutput = (isCorrectable: boolean) => ({
  record: { ...collected(0).record, outputProblem: 'no output', isCorrectable },
});
export const passedCheck: CheckResult = { status: 'passed', exitCode: 0, reason: null };
export const failedCheck: CheckResult = { status: 'failed', exitCode: 1, reason: 'it exited with 1' };
export const collectedNothing = { record: null };

const stepResults = [
  ['reconciling', decision('building')],
  ['building', { image: 'image-1' }],
  ['networking', undefined],
  ['creating', { containerId: 'container-1' }],
  ['starting', undefined],
  ['waitingForTmux', null],
  ['injecting', { injectedAt: 5_000 }],
  ['running', undefined],
] as const satisfies readonly (readonly [Step, unknown])[];

export type StartupStep = (typeof stepResults)[number][0];
export const startup: readonly StartupStep[] = stepResults.map(([step]) => step);
export const resultOf = new Map<string, unknown>(stepResults);
/** Check whether a container may be running at this step. */
export const isLive = (step: StartupStep) => startup.indexOf(step) >= startup.indexOf('starting');

/** Advance from one step to another; every step succeeds. */
export function advance(agent: Walk, to: StartupStep, from: StartupStep = 'reconciling'): Walk {
  for (const step of startup.slice(startup.indexOf(from), startup.indexOf(to)))
    agent.at(step).resolves(resultOf.get(step));
  return agent.at(to);
}

/** Let a running agent end, and clean up without an error. */
export const finish = (agent: Walk, result: unknown = collected(0), last = 'evaluating > done') =>
  agent
    .resolves(died())
    .at('stopping > collecting > reading')
    .resolves(result)
    .at('removing > removingContainer')
    .resolves()
    .at(last);

/** Clean up after a step has failed permanently. */
export const cleanUp = (agent: Walk, step: StartupStep, last = 'evaluating > done') =>
  isLive(step)
    ? agent
        .at('stopping > interrupting')
        .resolves(died(137))
        .at('collecting > reading')
        .resolves(collectedNothing)
        .at('removing > removingContainer')
        .resolves()
        .at(last)
    : agent.at(`stopping > collecting > removing > ${last}`);

export const pending = (reason: string) => ({ type: 'PENDING', reason }) as const;

/** Advance a new agent to a state; to `releasing` one that is scheduled, to `checking` one with a check. */
export const reach: Readonly<Record<Place, (agent: Walk) => Walk>> = {
  ...(Object.fromEntries(startup.map(step => [step, (agent: Walk) => advance(agent, step)])) as Record<
    StartupStep,
    (agent: Walk) => Walk
  >),
  placing: agent => agent.at('reconciling').resolves(decision('placing')).at('placing'),
  pending: agent => reach.placing(agent).sends(pending('no node has room')).at('pending'),
  idle: agent => advance(agent, 'running').sends({ type: 'IDLE' }).at('idle'),
  needsInput: agent =>
    advance(agent, 'running').sends({ type: 'NEEDS_INPUT', reason: 'question' }).at('needsInput'),
  backingOff: agent => advance(agent, 'building').fails('transient').at('backingOff'),
  engineUnreachable: agent => advance(agent, 'building').fails('unreachable').at('engineUnreachable'),
  waitingForSecrets: agent => advance(agent, 'injecting').fails('missingSecret').at('waitingForSecrets'),
  interrupting: agent => advance(agent, 'running').resolves('overdue').at('stopping > interrupting'),
  terminating: agent => reach.interrupting(agent).resolves(null).at('terminating'),
  stoppingContainer: agent => reach.terminating(agent).resolves(null).at('stoppingContainer'),
  killing: agent => reach.stoppingContainer(agent).resolves(null).at('killing'),
  reading: agent => advance(agent, 'running').resolves(died()).at('stopping > collecting > reading'),
  removingContainer: agent => reach.reading(agent).resolves(collected(0)).at('removing > removingContainer'),
  releasing: agent => finish(advance(agent, 'running'), collected(1), 'evaluating > releasing'),
  checking: agent => finish(advance(agent, 'running'), collected(0), 'evaluating > checking'),
  retrying: agent => finish(advance(agent, 'running'), collected(1), 'evaluating > retrying'),
  waitingForQuota: agent =>
    finish(advance(agent, 'running'), quotaExhausted(60_000), 'evaluating > waitingForQuota'),
};
