import type { AgentOutput, RequiredResult } from './agent-types.ts';
import { endIfComplete, endItem, expand } from './flow-expansion.ts';
import {
  type AgentPhase,
  at,
  endMember,
  hostOf,
  indexOf,
  makeReady,
  meetDependency,
  outputOf,
  phaseOf,
  type Schedule,
  unmetOf,
  unsettle,
  unstartedOutput,
} from './flow-schedule.ts';
import type { Failure, FailureKind, Outcome } from './outcome.ts';

/** A condition to evaluate: whether an agent starts, by the outcomes of the agents that it depends on. */
export interface ConditionInput {
  readonly agent: string;
  readonly outcomes: Readonly<Record<string, Outcome>>;
}

export interface ConditionResult {
  readonly agent: string;
  /** null: it could not be evaluated. */
  readonly holds: boolean | null;
  /** The number of agents that it becomes; absent for an agent that starts. */
  readonly size?: number;
  /** It was cancelled before. */
  readonly isCancelled?: boolean;
  /** The condition, or why it could not be evaluated, as text for the user. */
  readonly reason: string;
  /** The kind of the failure if `holds` is null. Default: `when`. */
  readonly kind?: FailureKind;
}

/** The consequences of the ends of agents, while they are being found. */
interface Consequences {
  schedule: Schedule;
  /** Agents that have ended, and whose dependants do not know of it. */
  readonly unsettled: number[];
  /** Agents that end without having been started. */
  readonly outputs: AgentOutput[];
  /** Conditions that have to be evaluated now. */
  readonly conditions: ConditionInput[];
}

/**
 * Bring the ends of agents to their dependants: those whose dependencies have the results that they need become ready, or
 * have their condition evaluated; those that can never start end, which their own dependants learn in turn.
 */
export function settleDependants(
  before: Schedule,
): Pick<Consequences, 'schedule' | 'outputs' | 'conditions'> {
  const { undecided, unsettled } = before;
  const schedule = { ...before, undecided: [], unsettled: [] };
  const found: Consequences = { schedule, unsettled: [...unsettled], outputs: [], conditions: [] };
  for (const index of undecided)
    if (phaseOf(found.schedule, index) !== 'waiting') endIfComplete(found, index);
    else if (!skipIfLost(found, index)) startIfMet(found, index);
  // An array that grows while it is iterated over includes what is added.
  for (const ended of found.unsettled) {
    endItem(found, ended);
    for (const index of schedule.dependants[ended]!)
      if (phaseOf(found.schedule, index) === 'waiting') countEnd(found, ended, index);
  }
  return found;
}

/** Count the end of a dependency of a waiting agent. The others are looked at only if this one prevents its start (I7). */
function countEnd(found: Consequences, ended: number, index: number): void {
  const { schedule } = found;
  const required = requiredOf(schedule, index, schedule.agents[ended]!.name);
  if (!hasResult(phaseOf(schedule, ended), required)) return void skipIfLost(found, index);
  found.schedule = meetDependency(schedule, index);
  startIfMet(found, index);
}

/** Skip a waiting agent if it can never start. Returns whether it was skipped. */
function skipIfLost(found: Consequences, index: number): boolean {
  const obstacle = findObstacle(found.schedule, index);
  if (obstacle === null) return false;
  const output = unstartedOutput(found.schedule, index, 'skipped', obstacle);
  found.schedule = endMember(found.schedule, index, output);
  found.unsettled.push(index);
  found.outputs.push(output);
  return true;
}

/** Start a waiting agent, or evaluate its condition, if its dependencies have the results that it needs. */
function startIfMet(found: Consequences, index: number): void {
  const { schedule, conditions } = found;
  if (unmetOf(schedule, index) > 0) return;
  const { name, dependsOn, isConditional = false } = schedule.agents[index]!;
  if (!isConditional) {
    found.schedule = makeReady(schedule, index);
    return;
  }
  const outcomes = dependsOn.map(on => [on, outcomeOf(outputOf(schedule, on)!)] as const);
  conditions.push({ agent: name, outcomes: Object.fromEntries(outcomes) });
}

const outcomeOf = ({ status, exitCode, error }: AgentOutput): Outcome => ({ status, exitCode, error });

/** Start or end an agent by the result of its condition. One that was cancelled in the meantime stays so. */
export function applyCondition(
  schedule: Schedule,
  { agent, holds, size, isCancelled = false, reason, kind = 'when' }: ConditionResult,
): { readonly schedule: Schedule; readonly outputs: readonly AgentOutput[] } {
  const index = indexOf(schedule, agent);
  if (index === null || phaseOf(schedule, index) !== 'waiting') return { schedule, outputs: [] };
  if (holds) {
    const next = size === undefined ? makeReady(schedule, index) : expand(schedule, index, size);
    return { schedule: next, outputs: [] };
  }
  const status = isCancelled ? 'cancelled' : holds === null ? 'failed' : 'skipped';
  const output = unstartedOutput(schedule, index, status, isCancelled ? null : { kind, message: reason });
  return { schedule: unsettle(endMember(schedule, index, output), [index]), outputs: [output] };
}

/** Return why a waiting agent can never start; null if it may. */
function findObstacle(schedule: Schedule, index: number): Omit<Failure, 'phase'> | null {
  const message = dependencyProblem(schedule, index);
  if (message !== null) return { kind: 'dependency', message };
  const exhausted = at(schedule.exhausted, hostOf(schedule, index));
  if (exhausted === undefined) return null;
  return {
    kind: 'outOfResources',
    message: `not started: Docker has no room left, as ${exhausted} found`,
  };
}

/** Return which dependencies cannot have the results that an agent needs; null if there are none. */
function dependencyProblem(schedule: Schedule, index: number): string | null {
  const lost = schedule.agents[index]!.dependsOn.flatMap(name => {
    const dependency = indexOf(schedule, name);
    const phase = dependency === null ? null : phaseOf(schedule, dependency);
    const required = requiredOf(schedule, index, name);
    const isOpen = phase !== null && (!hasEnded(phase) || hasResult(phase, required));
    return isOpen ? [] : [{ name, phase, required }];
  });
  if (lost.length === 0) return null;
  const unsuccessful = lost.filter(({ phase, required }) => phase === null || required === 'succeeded');
  const others = lost.filter(dependency => !unsuccessful.includes(dependency));
  return [
    ...(unsuccessful.length === 0
      ? []
      : [`depends on ${unsuccessful.map(({ name }) => name).join(', ')}, which did not succeed`]),
    ...others.map(({ name, phase }) => `runs only if ${name} fails: ${name} ${endWords[phase!] ?? phase}`),
  ].join('; ');
}

const endWords: Readonly<Partial<Record<AgentPhase, string>>> = {
  cancelled: 'was cancelled',
  skipped: 'was skipped',
};

const requiredOf = ({ agents }: Schedule, index: number, dependency: string): RequiredResult =>
  at(agents[index]!.on ?? {}, dependency) ?? 'succeeded';

const hasEnded = (phase: AgentPhase) => phase !== 'reserved' && phase !== 'waiting' && phase !== 'started';

/** Return whether an agent that has ended has a result. Who was cancelled or skipped has not failed. */
function hasResult(phase: AgentPhase, required: RequiredResult): boolean {
  if (required === 'failed') return phase === 'failed' || phase === 'timedOut';
  return required === 'ended' ? hasEnded(phase) : phase === 'succeeded';
}
