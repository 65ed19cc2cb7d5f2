import type { AgentInput, Entry, Reconciliation, Step } from '../../../../machines/agent-types.ts';
import type { End, EndRecord } from '../../../../machines/outcome.ts';
import type { AgentMachine, Place, Walk } from '../walk.ts';
import { walk } from '../walk.ts';

export interface Scenario {
  readonly title: string;
  readonly run: (machine: AgentMachine) => Walk;
}

/** A scenario of one agent, which must run to the end of the agent. */
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
  reason: 'the test says so',
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

/** The result of collecting: the end record of the container. */
export const said = (code: number, reason: EndRecord['reason'] = 'exit', oomKills = 0) => ({
  record: { reason, code, oomKills },
});
/** The result of collecting from a CLI whose quota is exhausted until a time, or until an unknown one. */
export const usedUp = (until: number | null) => ({
  record: { ...said(1).record, providerFailure: { kind: 'quota' as const, message: 'used up', until } },
});
export const saidNothing = { record: null };

const answers = [
  ['reconciling', decision('building')],
  ['building', { image: 'image-1' }],
  ['networking', undefined],
  ['creating', { containerId: 'container-1' }],
  ['starting', undefined],
  ['waitingForTmux', null],
  ['injecting', { injectedAt: 5_000 }],
  ['running', undefined],
] as const satisfies readonly (readonly [Step, unknown])[];

export type WayUp = (typeof answers)[number][0];
export const startup: readonly WayUp[] = answers.map(([step]) => step);
export const answerOf = new Map<string, unknown>(answers);
/** From here on there is a container that may be alive. */
export const isLive = (step: WayUp) => startup.indexOf(step) >= startup.indexOf('starting');

/** Goes up to a step, or from one to another, with every step done at once. */
export function goesUp(agent: Walk, to: WayUp, from: WayUp = 'reconciling'): Walk {
  for (const step of startup.slice(startup.indexOf(from), startup.indexOf(to)))
    agent.at(step).resolves(answerOf.get(step));
  return agent.at(to);
}

/** From the last state of the way up to the end, with nothing amiss. */
export const goesHome = (agent: Walk, word: unknown = said(0), last = 'evaluating > done') =>
  agent
    .resolves(died())
    .at('stopping > collecting > reading')
    .resolves(word)
    .at('removing > removingContainer')
    .resolves()
    .at(last);

/** What a step that failed for good leaves through. */
export const leaves = (agent: Walk, step: WayUp, last = 'evaluating > done') =>
  isLive(step)
    ? agent
        .at('stopping > interrupting')
        .resolves(died(137))
        .at('collecting > reading')
        .resolves(saidNothing)
        .at('removing > removingContainer')
        .resolves()
        .at(last)
    : agent.at(`stopping > collecting > removing > ${last}`);

/** Takes an agent to where a story begins. */
export const reach: Readonly<Record<Place, (agent: Walk) => Walk>> = {
  ...(Object.fromEntries(startup.map(step => [step, (agent: Walk) => goesUp(agent, step)])) as Record<
    WayUp,
    (agent: Walk) => Walk
  >),
  idle: agent => goesUp(agent, 'running').sends({ type: 'IDLE' }).at('idle'),
  needsInput: agent =>
    goesUp(agent, 'running').sends({ type: 'NEEDS_INPUT', reason: 'asks' }).at('needsInput'),
  backingOff: agent => goesUp(agent, 'building').fails('transient').at('backingOff'),
  engineUnreachable: agent => goesUp(agent, 'building').fails('unreachable').at('engineUnreachable'),
  waitingForSecrets: agent => goesUp(agent, 'injecting').fails('missingSecret').at('waitingForSecrets'),
  interrupting: agent => goesUp(agent, 'running').resolves('overdue').at('stopping > interrupting'),
  terminating: agent => reach.interrupting(agent).resolves(null).at('terminating'),
  stoppingContainer: agent => reach.terminating(agent).resolves(null).at('stoppingContainer'),
  killing: agent => reach.stoppingContainer(agent).resolves(null).at('killing'),
  reading: agent => goesUp(agent, 'running').resolves(died()).at('stopping > collecting > reading'),
  removingContainer: agent => reach.reading(agent).resolves(said(0)).at('removing > removingContainer'),
  retrying: agent => goesHome(goesUp(agent, 'running'), said(1), 'evaluating > retrying'),
  waitingForQuota: agent =>
    goesHome(goesUp(agent, 'running'), usedUp(60_000), 'evaluating > waitingForQuota'),
};
