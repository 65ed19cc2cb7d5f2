import type { AgentOutput } from './agent-types.ts';
import {
  at,
  endMember,
  indexOf,
  meetDependency,
  outputOf,
  phaseOf,
  type Schedule,
  unmetOf,
  withPhase,
  withUnmet,
} from './flow-schedule.ts';
import type { Status } from './outcome.ts';

/** The ends of agents, while their consequences are being found. */
interface Ends {
  schedule: Schedule;
  readonly unsettled: number[];
  readonly outputs: AgentOutput[];
}

/** Let a waiting agent become agents that wait in its place: it ends when all of them have ended. */
export function expand(schedule: Schedule, index: number, size: number): Schedule {
  const { name, expandsTo = [] } = schedule.agents[index]!;
  const items = expandsTo.slice(0, size).map(item => indexOf(schedule, item)!);
  // In a resumed run some have ended already.
  const open = items.filter(item => phaseOf(schedule, item) === 'reserved');
  const expanded = withUnmet(withPhase(schedule, index, 'started', null), index, open.length);
  const waiting = open.reduce(
    (next, item) => withUnmet(withPhase(next, item, 'waiting', null), item, 0),
    expanded,
  );
  return {
    ...waiting,
    undecided: [...waiting.undecided, ...open, index],
    expansions: { ...waiting.expansions, [name]: size },
  };
}

/** Count the end of an agent for the one that it comes from. */
export function endItem(found: Ends, ended: number): void {
  const { itemOf } = found.schedule.agents[ended]!;
  const owner = itemOf === undefined ? null : indexOf(found.schedule, itemOf);
  // An end that is known before the expansion is not counted: it is not waited for.
  if (owner === null || phaseOf(found.schedule, owner) !== 'started') return;
  found.schedule = meetDependency(found.schedule, owner);
  endIfComplete(found, owner);
}

/** End an expanded agent if all of its agents have ended. */
export function endIfComplete(found: Ends, index: number): void {
  const { schedule } = found;
  const { expandsTo } = schedule.agents[index]!;
  if (expandsTo === undefined || phaseOf(schedule, index) !== 'started' || unmetOf(schedule, index) > 0)
    return;
  const output = outputOfAll(schedule, index);
  found.schedule = endMember(schedule, index, output);
  found.unsettled.push(index);
  found.outputs.push(output);
}

/** From the status that says most about an expanded agent to the one that needs all of its agents. */
const bySeverity: readonly Status[] = ['failed', 'timedOut', 'cancelled', 'skipped', 'succeeded'];

function outputOfAll(schedule: Schedule, index: number): AgentOutput {
  const { name } = schedule.agents[index]!;
  const outputs = itemNames(schedule, index).map(item => outputOf(schedule, item)!);
  const status = bySeverity.find(known => outputs.some(output => output.status === known)) ?? 'succeeded';
  const others = outputs.filter(output => output.status !== 'succeeded');
  const message = `${others.length} of its ${outputs.length} agents did not succeed: ${listed(others)}`;
  const error = status === 'succeeded' ? null : ({ phase: 'expanded', kind: 'forEach', message } as const);
  return { name, status, exitCode: null, error, containerId: null, image: null, attempts: [] };
}

function listed(outputs: readonly AgentOutput[]): string {
  const names = outputs.slice(0, 5).map(({ name }) => name);
  const others = outputs.length - names.length;
  return `${names.join(', ')}${others === 0 ? '' : ` and ${others} more`}`;
}

/** Return an agent and those that it has become. */
export const membersFor = (schedule: Schedule, index: number): readonly number[] => [
  index,
  ...itemNames(schedule, index).map(item => indexOf(schedule, item)!),
];

function itemNames({ agents, expansions }: Schedule, index: number): readonly string[] {
  const { name, expandsTo = [] } = agents[index]!;
  return expandsTo.slice(0, at(expansions, name) ?? 0);
}
