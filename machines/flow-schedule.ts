import type { AgentInput, AgentOutput } from './agent-types.ts';
import type { Status } from './outcome.ts';
import { arrayOf, itemAt, itemsOf, type PersistentArray, withItem } from './persistent-array.ts';
import { type Queue, queueOf, withNumber, withoutFirst } from './priority-queue.ts';

/** The phase of an agent in the flow: not started yet, spawned, or its final status. */
export type AgentPhase = 'waiting' | 'started' | Status;

/** An agent of the flow, at its index in the spec. */
interface Member {
  readonly phase: AgentPhase;
  /** Dependencies that have not succeeded. */
  readonly unmet: number;
  readonly output: AgentOutput | null;
}

/** The agents of a flow and their phases. An event copies the part of one agent only (I7). */
export interface Schedule {
  readonly agents: readonly AgentInput[];
  readonly concurrency: number;
  /** Indices by name. */
  readonly indices: Readonly<Record<string, number>>;
  /** By index: the indices of the agents that depend on it. */
  readonly dependants: readonly (readonly number[])[];
  readonly members: PersistentArray<Member>;
  readonly counts: Readonly<Record<AgentPhase, number>>;
  /** Agents whose dependencies have all succeeded, in the order of the spec. Some may have been cancelled. */
  readonly ready: Queue;
  /** The agent for which the engine had no resources left, if there is one. */
  readonly exhausted: string | null;
}

const noCounts = { waiting: 0, started: 0, succeeded: 0, failed: 0, timedOut: 0, cancelled: 0, skipped: 0 };

export function initialSchedule(agents: readonly AgentInput[], concurrency: number): Schedule {
  const indices: Record<string, number> = Object.fromEntries(agents.map(({ name }, index) => [name, index]));
  const dependants: number[][] = agents.map(() => []);
  for (const [index, { dependsOn }] of agents.entries())
    for (const on of dependsOn) if (Object.hasOwn(indices, on)) dependants[indices[on]!]!.push(index);
  const members = agents.map(({ dependsOn }) => ({
    phase: 'waiting' as const,
    unmet: dependsOn.length,
    output: null,
  }));
  return {
    agents,
    concurrency,
    indices,
    dependants,
    members: arrayOf<Member>(members),
    counts: { ...noCounts, waiting: agents.length },
    ready: queueOf(members.flatMap(({ unmet }, index) => (unmet === 0 ? index : []))),
    exhausted: null,
  };
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

/** Record the end of an agent that was started. The agents that waited for nothing else become ready. */
export function endAgent(schedule: Schedule, output: AgentOutput): Schedule {
  const index = schedule.indices[output.name]!;
  const ended = withPhase(schedule, index, output.status, output);
  if (output.status === 'succeeded') return schedule.dependants[index]!.reduce(meetDependency, ended);
  const isExhausted = output.status === 'failed' && output.error?.kind === 'outOfResources';
  return isExhausted ? { ...ended, exhausted: ended.exhausted ?? output.name } : ended;
}

function meetDependency(schedule: Schedule, index: number): Schedule {
  const { members, ready } = schedule;
  const member = itemAt(members, index);
  const unmet = member.unmet - 1;
  return {
    ...schedule,
    members: withItem(members, index, { ...member, unmet }),
    ready: unmet === 0 && member.phase === 'waiting' ? withNumber(ready, index) : ready,
  };
}

function withPhase(
  schedule: Schedule,
  index: number,
  phase: AgentPhase,
  output: AgentOutput | null,
): Schedule {
  const { members, counts } = schedule;
  const { phase: before, unmet } = itemAt(members, index);
  return {
    ...schedule,
    members: withItem(members, index, { phase, unmet, output }),
    counts: { ...counts, [before]: counts[before] - 1, [phase]: counts[phase] + (before === phase ? 0 : 1) },
  };
}

/** Start the ready agents for which there is room. */
export function startReady(schedule: Schedule): {
  readonly schedule: Schedule;
  readonly started: AgentInput[];
} {
  const started: AgentInput[] = [];
  let next = schedule;
  while (next.ready !== null && next.counts.started < next.concurrency) {
    const index = next.ready.first;
    next = { ...next, ready: withoutFirst(next.ready) };
    if (phaseOf(next, index) !== 'waiting') continue;
    next = withPhase(next, index, 'started', null);
    started.push(next.agents[index]!);
  }
  return { schedule: next, started };
}

/**
 * Return the waiting agents that can never start, because the agent of this name did not succeed; with null, because they
 * depend on agents that the flow does not have.
 */
export function findLost(schedule: Schedule, ended: string | null): readonly number[] {
  // An engine without resources for one agent has none for the next.
  if (schedule.exhausted !== null) return schedule.counts.waiting === 0 ? [] : inPhase(schedule, 'waiting');
  if (ended === null) {
    const isUnknown = (on: string) => indexOf(schedule, on) === null;
    const lost = schedule.agents.flatMap(({ dependsOn }, index) => (dependsOn.some(isUnknown) ? index : []));
    return [...withDependants(schedule, lost)];
  }
  const index = indexOf(schedule, ended);
  if (index === null || !isLost(phaseOf(schedule, index))) return [];
  return [...withDependants(schedule, [index])].slice(1);
}

/** Return these agents and all agents that wait for them, directly or not. */
function withDependants(schedule: Schedule, indices: readonly number[]): ReadonlySet<number> {
  // A set that grows while it is iterated over includes what is added.
  const found = new Set(indices);
  for (const index of found)
    for (const dependant of schedule.dependants[index]!)
      if (phaseOf(schedule, dependant) === 'waiting') found.add(dependant);
  return found;
}

/** End waiting agents that were never started. */
export function endWaiting(
  schedule: Schedule,
  indices: readonly number[],
  status: 'skipped' | 'cancelled',
): { readonly schedule: Schedule; readonly outputs: readonly AgentOutput[] } {
  // The reason names every dependency that did not succeed, so all phases are set before.
  const marked = indices.reduce((next, index) => withPhase(next, index, status, null), schedule);
  const outputs = indices.map(index => unstartedOutput(marked, index, status));
  const ended = indices.reduce((next, index, at) => withPhase(next, index, status, outputs[at]!), marked);
  return { schedule: ended, outputs };
}

/** Return the output of an agent that was never started. */
function unstartedOutput(schedule: Schedule, index: number, status: 'skipped' | 'cancelled'): AgentOutput {
  const { name, dependsOn } = schedule.agents[index]!;
  const error = status === 'skipped' ? { phase: 'waiting', ...skipReason(schedule, dependsOn) } : null;
  return { name, status, exitCode: null, error, containerId: null, image: null, attempts: [] };
}

function skipReason(schedule: Schedule, dependsOn: readonly string[]) {
  const lost = dependsOn.filter(on => {
    const index = indexOf(schedule, on);
    return index === null || isLost(phaseOf(schedule, index));
  });
  const { exhausted } = schedule;
  return exhausted !== null && lost.length === 0
    ? {
        kind: 'outOfResources' as const,
        message: `not started: Docker has no room left, as ${exhausted} found`,
      }
    : { kind: 'dependency' as const, message: `depends on ${lost.join(', ')}, which did not succeed` };
}

const isLost = (phase: AgentPhase) => phase !== 'waiting' && phase !== 'started' && phase !== 'succeeded';
