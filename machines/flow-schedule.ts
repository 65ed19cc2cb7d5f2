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
  /** By host: agents whose dependencies have all succeeded, in the order of the spec. Some may have been cancelled. */
  readonly ready: Readonly<Record<string, Queue>>;
  /** By host: the agent for which its engine had no resources left. */
  readonly exhausted: Readonly<Record<string, string>>;
}

const noCounts = { waiting: 0, started: 0, succeeded: 0, failed: 0, timedOut: 0, cancelled: 0, skipped: 0 };

/** Return the value of a host, whose name may be that of a property of every object. */
const at = <T>(record: Readonly<Record<string, T>>, host: string): T | undefined =>
  Object.hasOwn(record, host) ? record[host] : undefined;

/** Return the host of an agent; `''` for the engine of the run. */
const hostOf = ({ agents }: Pick<Schedule, 'agents'>, index: number): string => agents[index]!.host ?? '';

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
  const members = agents.map(({ dependsOn }) => ({
    phase: 'waiting' as const,
    unmet: dependsOn.length,
    output: null,
  }));
  const ready = members.flatMap(({ unmet }, index) => (unmet === 0 ? index : []));
  const byHost = Map.groupBy(ready, index => hostOf({ agents }, index));
  return {
    agents,
    concurrency,
    hostConcurrency,
    indices,
    dependants,
    members: arrayOf<Member>(members),
    counts: { ...noCounts, waiting: agents.length },
    startedOn: {},
    ready: Object.fromEntries([...byHost].map(([host, numbers]) => [host, queueOf(numbers)])),
    exhausted: {},
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
  return isExhausted
    ? { ...ended, exhausted: { [hostOf(schedule, index)]: output.name, ...ended.exhausted } }
    : ended;
}

function meetDependency(schedule: Schedule, index: number): Schedule {
  const { members, ready } = schedule;
  const member = itemAt(members, index);
  const unmet = member.unmet - 1;
  const host = hostOf(schedule, index);
  const isReady = unmet === 0 && member.phase === 'waiting';
  return {
    ...schedule,
    members: withItem(members, index, { ...member, unmet }),
    ready: isReady ? { ...ready, [host]: withNumber(at(ready, host) ?? null, index) } : ready,
  };
}

function withPhase(
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

/** Start the ready agents for which there is room. */
export function startReady(schedule: Schedule): {
  readonly schedule: Schedule;
  readonly started: AgentInput[];
} {
  const started: AgentInput[] = [];
  let next = schedule;
  for (let host = nextHost(next); host !== null; host = nextHost(next)) {
    const queue = next.ready[host]!;
    const index = queue.first;
    next = { ...next, ready: { ...next.ready, [host]: withoutFirst(queue) } };
    if (phaseOf(next, index) !== 'waiting') continue;
    next = withPhase(next, index, 'started', null);
    started.push(next.agents[index]!);
  }
  return { schedule: next, started };
}

/** Return the host of the first agent that is ready and for which there is room; null if there is none. */
function nextHost({ ready, counts, concurrency, startedOn, hostConcurrency }: Schedule): string | null {
  if (counts.started >= concurrency) return null;
  let found: { readonly host: string; readonly first: number } | null = null;
  for (const [host, queue] of Object.entries(ready)) {
    if (
      queue === null ||
      (at(startedOn, host) ?? 0) >= (at(hostConcurrency, host) ?? Number.POSITIVE_INFINITY)
    )
      continue;
    if (found === null || queue.first < found.first) found = { host, first: queue.first };
  }
  return found?.host ?? null;
}

/**
 * Return the waiting agents that can never start, because the agent of this name did not succeed; with null, because they
 * depend on agents that the flow does not have.
 */
export function findLost(schedule: Schedule, ended: string | null): readonly number[] {
  return [...new Set([...findExhausted(schedule), ...findUnmet(schedule, ended)])];
}

/** Return the waiting agents of hosts without resources: an engine that has none for one agent has none for the next. */
function findExhausted(schedule: Schedule): readonly number[] {
  const { exhausted, counts } = schedule;
  if (counts.waiting === 0 || Object.keys(exhausted).length === 0) return [];
  const lost = inPhase(schedule, 'waiting').filter(index =>
    Object.hasOwn(exhausted, hostOf(schedule, index)),
  );
  return [...withDependants(schedule, lost)];
}

function findUnmet(schedule: Schedule, ended: string | null): readonly number[] {
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
  const { name } = schedule.agents[index]!;
  const error = status === 'skipped' ? { phase: 'waiting', ...skipReason(schedule, index) } : null;
  return { name, status, exitCode: null, error, containerId: null, image: null, attempts: [] };
}

function skipReason(schedule: Schedule, index: number) {
  const lost = schedule.agents[index]!.dependsOn.filter(on => {
    const index = indexOf(schedule, on);
    return index === null || isLost(phaseOf(schedule, index));
  });
  const exhausted = at(schedule.exhausted, hostOf(schedule, index));
  return exhausted !== undefined && lost.length === 0
    ? {
        kind: 'outOfResources' as const,
        message: `not started: Docker has no room left, as ${exhausted} found`,
      }
    : { kind: 'dependency' as const, message: `depends on ${lost.join(', ')}, which did not succeed` };
}

const isLost = (phase: AgentPhase) => phase !== 'waiting' && phase !== 'started' && phase !== 'succeeded';
