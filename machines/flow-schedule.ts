import type { AgentInput, AgentOutput } from './agent-types.ts';
import type { Failure, Status } from './outcome.ts';
import { arrayOf, itemAt, itemsOf, type PersistentArray, withItem } from './persistent-array.ts';
import { type Queue, queueOf, withNumber } from './priority-queue.ts';

/**
 * The phase of an agent in the flow: it may come into being when another one is expanded, is not started yet, spawned (or
 * expanded), or has its final status.
 */
export type AgentPhase = 'reserved' | 'waiting' | 'started' | Status;

/** An agent of the flow, at its index in the spec. */
interface Member {
  readonly phase: AgentPhase;
  /** Dependencies that do not have the result that it needs; for an expanded agent, those of its agents that have not ended. */
  readonly unmet: number;
  readonly output: AgentOutput | null;
}

/** The agents of a flow and their phases. An event copies the part of one agent only (I7). */
export interface Schedule {
  readonly agents: readonly AgentInput[];
  readonly concurrency: number;
  /** By host; a host without a number has no maximum of its own. */
  readonly hostConcurrency: Readonly<Record<string, number>>;
  /** Indices by name. */
  readonly indices: Readonly<Record<string, number>>;
  /** By index: the indices of the agents that depend on it. */
  readonly dependants: readonly (readonly number[])[];
  readonly members: PersistentArray<Member>;
  readonly counts: Readonly<Record<AgentPhase, number>>;
  /** The number of agents in the phase `started`, by host. */
  readonly startedOn: Readonly<Record<string, number>>;
  /** By host: agents that may start, in the order of the spec. Some may have been cancelled. */
  readonly ready: Readonly<Record<string, Queue>>;
  /** By host: the agent for which its engine had no resources left. */
  readonly exhausted: Readonly<Record<string, string>>;
  /** Agents that have ended, and whose dependants do not know of it. */
  readonly unsettled: readonly number[];
  /** Waiting or expanded agents that may have to end or to start for another reason than the end of a dependency. */
  readonly undecided: readonly number[];
  /** By name of an expanded agent: the number of agents that it has become. */
  readonly expansions: Readonly<Record<string, number>>;
}

const noCounts = {
  reserved: 0,
  waiting: 0,
  started: 0,
  succeeded: 0,
  failed: 0,
  timedOut: 0,
  cancelled: 0,
  skipped: 0,
};

/** Return the value of a name, which may be that of a property of every object. */
export const at = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

/** The place of agents without a container, which are on no host. No docker context has such a name. */
export const withoutContainer = ':without-container';

/** Return the host of an agent; `''` for the engine of the run. */
export function hostOf({ agents }: Pick<Schedule, 'agents'>, index: number): string {
  const { isApproval, expandsTo, host = '' } = agents[index]!;
  return isApproval || expandsTo ? withoutContainer : host;
}

export function initialSchedule({
  agents,
  concurrency,
  hostConcurrency = {},
}: {
  readonly agents: readonly AgentInput[];
  readonly concurrency: number;
  readonly hostConcurrency?: Readonly<Record<string, number>>;
}): Schedule {
  const indices: Record<string, number> = Object.fromEntries(agents.map(({ name }, index) => [name, index]));
  const dependants: number[][] = agents.map(() => []);
  for (const [index, { dependsOn }] of agents.entries())
    for (const on of dependsOn) if (Object.hasOwn(indices, on)) dependants[indices[on]!]!.push(index);
  const numbersOf = (isWanted: (agent: AgentInput) => boolean) =>
    agents.flatMap((agent, index) => (isWanted(agent) ? index : []));
  const isReady = ({ dependsOn, isConditional, itemOf, unstarted }: AgentInput) =>
    dependsOn.length === 0 && !isConditional && itemOf === undefined && unstarted === undefined;
  const reserved = numbersOf(({ itemOf }) => itemOf !== undefined).length;
  const hasUnknown = ({ dependsOn }: AgentInput) => dependsOn.some(on => !Object.hasOwn(indices, on));
  const byHost = Map.groupBy(numbersOf(isReady), index => hostOf({ agents }, index));
  const waiting: Schedule = {
    agents,
    concurrency,
    hostConcurrency,
    indices,
    dependants,
    members: arrayOf<Member>(
      agents.map(({ dependsOn, itemOf }) => ({
        phase: itemOf === undefined ? 'waiting' : 'reserved',
        unmet: dependsOn.length,
        output: null,
      })),
    ),
    counts: { ...noCounts, reserved, waiting: agents.length - reserved },
    startedOn: {},
    ready: Object.fromEntries([...byHost].map(([host, numbers]) => [host, queueOf(numbers)])),
    exhausted: {},
    unsettled: [],
    undecided: numbersOf(
      agent => hasUnknown(agent) || (agent.dependsOn.length === 0 && Boolean(agent.isConditional)),
    ),
    expansions: {},
  };
  const ended = numbersOf(({ unstarted }) => unstarted !== undefined);
  const known = ended.reduce((next, index) => endMember(next, index, agents[index]!.unstarted!), waiting);
  return unsettle(known, ended);
}

/** Return the index of an agent; null for one that the flow does not have. */
export const indexOf = ({ indices }: Schedule, name: string): number | null =>
  Object.hasOwn(indices, name) ? indices[name]! : null;

export const phaseOf = ({ members }: Schedule, index: number): AgentPhase => itemAt(members, index).phase;

export const haveAllEnded = ({ counts }: Schedule) => counts.waiting + counts.started === 0;

/** Return the indices of all agents in this phase. */
export const inPhase = ({ members }: Schedule, phase: AgentPhase): number[] =>
  itemsOf(members).flatMap((member, index) => (member.phase === phase ? index : []));

export const outputsOf = ({ members }: Schedule): Record<string, AgentOutput> =>
  Object.fromEntries(
    itemsOf(members).flatMap(({ output }) => (output === null ? [] : [[output.name, output]])),
  );

export const outputOf = (schedule: Schedule, name: string): AgentOutput | null => {
  const index = indexOf(schedule, name);
  return index === null ? null : itemAt(schedule.members, index).output;
};

/** Record the end of an agent that was started. */
export function endAgent(schedule: Schedule, output: AgentOutput): Schedule {
  const index = schedule.indices[output.name]!;
  const ended = unsettle(endMember(schedule, index, output), [index]);
  const isExhausted = output.status === 'failed' && output.error?.kind === 'outOfResources';
  if (!isExhausted) return ended;
  const host = hostOf(schedule, index);
  // An engine that has no resources for one agent has none for the next.
  const waiting = inPhase(ended, 'waiting').filter(other => hostOf(ended, other) === host);
  return {
    ...ended,
    exhausted: { [host]: output.name, ...ended.exhausted },
    undecided: [...ended.undecided, ...waiting],
  };
}

/** Record the end of an agent. Its dependants do not learn of it yet. */
export const endMember = (schedule: Schedule, index: number, output: AgentOutput): Schedule =>
  withPhase(schedule, index, output.status, output);

/** Note agents that have ended, and whose dependants do not know of it. */
export const unsettle = (schedule: Schedule, indices: readonly number[]): Schedule => ({
  ...schedule,
  unsettled: [...schedule.unsettled, ...indices],
});

/** Record that one more dependency of a waiting agent has the result that it needs. */
export const meetDependency = (schedule: Schedule, index: number): Schedule =>
  withUnmet(schedule, index, unmetOf(schedule, index) - 1);

export const unmetOf = ({ members }: Schedule, index: number): number => itemAt(members, index).unmet;

/** Let a waiting agent start as soon as there is room. */
export function makeReady(schedule: Schedule, index: number): Schedule {
  const { ready } = schedule;
  const host = hostOf(schedule, index);
  return { ...schedule, ready: { ...ready, [host]: withNumber(at(ready, host) ?? null, index) } };
}

/** Change how many dependencies of an agent do not have the result that it needs. */
export function withUnmet(schedule: Schedule, index: number, unmet: number): Schedule {
  const member = itemAt(schedule.members, index);
  return { ...schedule, members: withItem(schedule.members, index, { ...member, unmet }) };
}

export function withPhase(
  schedule: Schedule,
  index: number,
  phase: AgentPhase,
  output: AgentOutput | null,
): Schedule {
  const { members, counts, startedOn } = schedule;
  const { phase: before, unmet } = itemAt(members, index);
  const more = Number(phase === 'started') - Number(before === 'started');
  const host = hostOf(schedule, index);
  return {
    ...schedule,
    startedOn: more === 0 ? startedOn : { ...startedOn, [host]: (at(startedOn, host) ?? 0) + more },
    members: withItem(members, index, { phase, unmet, output }),
    counts: { ...counts, [before]: counts[before] - 1, [phase]: counts[phase] + (before === phase ? 0 : 1) },
  };
}

/** Cancel waiting agents. */
export function cancelWaiting(
  schedule: Schedule,
  indices: readonly number[],
): { readonly schedule: Schedule; readonly outputs: readonly AgentOutput[] } {
  const outputs = indices.map(index => unstartedOutput(schedule, index, 'cancelled', null));
  const ended = indices.reduce((next, index, at) => endMember(next, index, outputs[at]!), schedule);
  return { schedule: unsettle(ended, indices), outputs };
}

/** Return the output of an agent that was never started. */
export function unstartedOutput(
  { agents }: Schedule,
  index: number,
  status: Status,
  error: Omit<Failure, 'phase'> | null,
): AgentOutput {
  return {
    name: agents[index]!.name,
    status,
    exitCode: null,
    error: error && { phase: 'waiting', ...error },
    containerId: null,
    image: null,
    attempts: [],
  };
}
