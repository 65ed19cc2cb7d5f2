import { agentLeases } from '../actors/lease.ts';
import { isFresh } from '../recovery/record.ts';
import { hasContainer, itemOf, type MemberPlan, membersOf } from '../spec/members.ts';
import type { AgentPlan } from '../spec/plan.ts';
import { watchLock } from '../store/lock.ts';
import { watchRequests } from '../store/requests.ts';
import { type Following, followOutput } from '../transcript/follow-output.ts';
import { approvalDesk } from './approvals.ts';
import { guarded, inWords } from './callbacks.ts';
import { drive, type FlowDriver } from './drive.ts';
import { type Fleet, plannedFleet } from './fleet.ts';
import { lostLock } from './halt-errors.ts';
import { type HostLoss, watchHostLoss } from './host-loss.ts';
import { type OpenRun, stopReason, warn } from './open-run.ts';
import type { RunOptions } from './run.ts';
import { swarmFleet } from './swarm-fleet.ts';
import { resultsOf } from './track-run.ts';

/** A run whose machines run: they act on its agents, and the rest sends them events. */
export interface DrivenRun extends Disposable {
  readonly driver: FlowDriver;
  readonly fleet: Fleet;
  readonly loss: HostLoss;
  /** null if nothing listens to the agents' output. */
  readonly following: Following | null;
  /** Resolves when no docker process follows the events of an engine any more. */
  closeWatchers(): Promise<void>;
}

export function startActors(open: OpenRun, { stopOnly, onOutput, inspect, actors }: RunOptions): DrivenRun {
  const { run, journal, tracker, concurrency, halted, ending } = open;
  const fleet = run.plan.target?.isSwarm ? swarmFleet(open) : plannedFleet(open);
  const leases = agentLeases();
  const following = onOutput === undefined ? null : followAgents(open, fleet, onOutput);
  const ended = membersOf(run.plan)
    .map(({ name }) => name)
    .filter(name => tracker.record(name).ended);
  const desk = approvalDesk({
    ...{ approvals: run.plan.approvals ?? [], journal, record: tracker.record, clock: open.clock },
    takeRequests: () => requests.poll(),
  });
  const driver = drive(agentsToDrive(open, stopOnly), concurrency, {
    ...fleet,
    clock: open.clock,
    hosts: open.hosts,
    journal,
    inspect: inspect && guarded(inspect, error => warn(open, inspectFailed(error))),
    actors,
    ended: new Set(ended),
    record: tracker.record,
    results: name => resultsOf(tracker, name),
    leases,
    approvals: desk.actors,
  });
  const loss = watchHostLoss(open, fleet, { driver, leases });
  const requests = watchRequests(run.folder.requests, {
    onStop: ({ stop }) => (stop === null ? driver.cancel(stopReason) : driver.cancelAgent(stop, stopReason)),
    onDecision: desk.decide,
  });
  const lockWatch = watchLock(run.lock, () => halted.resolve(lostLock(run.folder)));
  return {
    driver,
    fleet,
    loss,
    following,
    async closeWatchers() {
      ending.abort();
      await Promise.all(fleet.hosts.map(({ watcher }) => watcher.closed));
    },
    [Symbol.dispose]() {
      requests[Symbol.dispose]();
      lockWatch[Symbol.dispose]();
    },
  };
}

/** Agents with a container come first: a new one could take their place under the limit. */
function agentsToDrive({ run: { plan }, tracker }: OpenRun, stopOnly: RunOptions['stopOnly']): MemberPlan[] {
  const rank = ({ name }: MemberPlan) => Number(isFresh(tracker.record(name)));
  const agents = membersOf(plan).toSorted((a, b) => rank(a) - rank(b));
  const only = stopOnly?.agent ?? null;
  if (only === null) return agents;
  const isAlone = !agents.some(agent => agent.name === only && !hasContainer(agent));
  return agents
    .filter(agent => agent.name === only || itemOf(agent)?.of === only)
    .map(agent => startingAtOnce(agent, isAlone));
}

/** An agent for an item that is stopped alone does not wait for the one that becomes it. */
function startingAtOnce({ on: _, when: __, ...agent }: MemberPlan, isAlone: boolean): MemberPlan {
  const { item, ...others } = agent as AgentPlan;
  return { ...(isAlone ? others : { ...others, ...(item && { item }) }), dependsOn: [] } as MemberPlan;
}

function followAgents(
  { run, journal, ending }: OpenRun,
  { contextOf, knownContextOf }: Fleet,
  onOutput: NonNullable<RunOptions['onOutput']>,
): Following {
  return followOutput(journal, {
    recorderOf: agent => knownContextOf(agent).recorder,
    onOutput,
    redactor: run.vault.redactor,
    canRedact: async ({ agent, ...event }, signal) =>
      (await (await contextOf(agent)).seals.unseal({ ...event, name: agent }, signal)) === null,
    nonce: (agent, attempt) => knownContextOf(agent).identity(agent, attempt).nonce,
    signal: ending.signal,
  });
}

const inspectFailed = (error: unknown) =>
  `the program's "inspect" has failed, and is not called again: ${inWords(error, 'it threw no error')}`;
