import { createActor, type InspectionEvent } from 'xstate';
import { approvalMachine } from '../../machines/approval.ts';
import { flowMachine } from '../../machines/flow.ts';
import { type ConditionPort, conditionActor } from '../actors/condition.ts';
import type { ActorContext } from '../actors/context.ts';
import type { Leases } from '../actors/lease.ts';
import { type AgentActors, type AgentPorts, provideActors } from '../actors/provide.ts';
import { type HostName, hostOf, titleOf } from '../connection/run-hosts.ts';
import { type AgentRecord, emptyRecord, unstartedOutcome } from '../recovery/record.ts';
import { hasContainer, inputsOf, isForEach, itemNames, itemOf, type MemberPlan } from '../spec/members.ts';
import type { Journal } from '../store/journal.ts';
import { transcriptIn } from '../transcript/transcript.ts';
import type { ApprovalActors } from './approvals.ts';
import { transitionEvents } from './transitions.ts';

export interface FlowDriver {
  /** Resolves when every agent has its outcome. */
  readonly done: Promise<void>;
  cancel(reason: string): void;
  cancelAgent(name: string, reason: string): void;
  kill(): void;
  /** Have an agent continue without its host, whose loss is in the journal. */
  loseHost(name: string): void;
  /** Stop the machines at once. Containers stay as they are. */
  halt(): void;
}

interface HostRoom {
  readonly names: readonly HostName[];
  readonly concurrency: number;
}

export interface DriveOptions extends AgentPorts {
  /** The hosts of the agents, with the maximum number of agents on each at once. Default: one without a maximum. */
  readonly hosts?: readonly HostRoom[];
  /** Return the ports of an agent, at once. Their journal and networks are those of its host if that is connected. */
  readonly knownContextOf: (agent: string) => ActorContext;
  readonly journal: Journal;
  /** Agents whose outcome is in the journal already. */
  readonly ended: ReadonlySet<string>;
  /** Return what the journal remembers of an agent. Default: nothing. */
  readonly record?: (agent: string) => AgentRecord;
  /** Return the branch and the output of an agent that has ended. Default: there is none. */
  readonly results?: ConditionPort['results'];
  /** Receives every inspection event. */
  readonly inspect?: ((event: InspectionEvent) => void) | undefined;
  /** Replace actors that act on Docker. */
  readonly actors?: AgentActors | undefined;
  /** Take the decisions on approvals. Default: there are none to take. */
  readonly approvals?: ApprovalActors;
  /** The leases of agents, which the actors renew. */
  readonly leases?: Leases;
}

/** Start the machines of a flow, and journal their transitions. */
export function drive(agents: readonly MemberPlan[], concurrency: number, options: DriveOptions): FlowDriver {
  const { journal, ended, hosts = [], scheduler, record = () => emptyRecord, approvals = {} } = options;
  const agent = provideActors(options, options.actors, options.leases);
  const items = itemNames(agents);
  const journalTransitions = transitionsOf(agents, options);
  const condition = conditionActor(conditionPort(agents, options));
  const approval = approvalMachine.provide({ actors: approvals });
  const flow = createActor(flowMachine.provide({ actors: { agent, approval, condition } }), {
    input: {
      agents: agents.map(plan => {
        const { name, dependsOn, on = {}, when } = plan;
        const known = record(name);
        const outcome = unstartedOutcome(known);
        return {
          ...{ name, dependsOn, on },
          ...(hasContainer(plan)
            ? { retries: plan.retries, keep: plan.keep, host: hostKey(hostOf(hosts, plan)) }
            : withoutContainer(plan, items)),
          ...(itemOf(plan) && { itemOf: itemOf(plan)!.of }),
          ...(hasContainer(plan) && plan.check && { check: { rounds: plan.check.rounds } }),
          // An agent that is cancelled does not start anyway.
          ...((when !== undefined || inputsOf(plan).length > 0) &&
            !known.cancelled && { isConditional: true }),
          ...(outcome && { unstarted: { name, ...outcome, containerId: null, image: null, attempts: [] } }),
          ...(scheduler && { isScheduled: true }),
        };
      }),
      concurrency,
      hostConcurrency: Object.fromEntries(hosts.map(host => [hostKey(host), host.concurrency])),
    },
    inspect(event) {
      journalTransitions(event);
      options.inspect?.(event);
    },
  });
  flow.on('agent.notStarted', ({ output: { name, attempts: _, ...output } }) => {
    if (!ended.has(name)) void journal.append({ type: 'agent.ended', agent: name, ...output });
  });
  const done = new Promise<void>((resolve, reject) => {
    flow.subscribe({ complete: resolve, error: reject });
  });
  flow.start();
  // XState warns of events for an actor that has ended.
  const isActive = () => flow.getSnapshot().status === 'active';

  return {
    done,
    cancel(reason) {
      if (!isActive()) return;
      void journal.append({ type: 'run.cancel', reason });
      flow.send({ type: 'CANCEL', reason });
    },
    cancelAgent(name, reason) {
      if (!isActive()) return;
      void journal.append({ type: 'agent.cancel', agent: name, reason });
      flow.send({ type: 'CANCEL_AGENT', name, reason });
    },
    kill() {
      if (isActive()) flow.send({ type: 'KILL' });
    },
    loseHost(name) {
      if (isActive()) flow.send({ type: 'HOST_LOST', name });
    },
    halt: () => flow.stop(),
  };
}

/** Return what the machine has to know of an approval, or of an agent that becomes others. */
const withoutContainer = (plan: MemberPlan, items: ReturnType<typeof itemNames>) => ({
  ...(isForEach(plan) ? { isConditional: true, expandsTo: items.get(plan.name)! } : { isApproval: true }),
  retries: 0,
  keep: 'never' as const,
});

function conditionPort(
  agents: readonly MemberPlan[],
  { journal, record = () => emptyRecord, results = () => ({ branch: null, output: null }) }: DriveOptions,
): ConditionPort {
  const plans = new Map(agents.map(plan => [plan.name, plan]));
  return {
    expression: agent => plans.get(agent)!.when,
    recorded: agent => record(agent).condition,
    results,
    record: result => journal.append({ type: 'agent.condition', ...result }),
    inputs: {
      plan(agent) {
        const plan = plans.get(agent)!;
        return hasContainer(plan) ? plan : null;
      },
      item(agent) {
        const { of, index } = itemOf(plans.get(agent)!) ?? { of: agent, index: 0 };
        const json = record(of).items?.[index - 1];
        return json === undefined ? null : { index, json };
      },
      recorded: agent => record(agent).inputs,
      record: (agent, values) => journal.append({ type: 'agent.inputs', agent, values }),
    },
    lists: {
      plan(agent) {
        const plan = plans.get(agent)!;
        return isForEach(plan) ? plan : null;
      },
      recorded: agent => record(agent).items,
      isCancelled: agent => record(agent).cancelled,
      record: (agent, items) => journal.append({ type: 'agent.expanded', agent, items: [...items] }),
    },
  };
}

/** Return the name of a host for the flow machine. */
const hostKey = (host: Pick<HostRoom, 'names'> | undefined) => (host && titleOf(host)) ?? '';

function transitionsOf(agents: readonly MemberPlan[], { knownContextOf, journal, ended }: DriveOptions) {
  const names = new Set(agents.map(({ name }) => name));
  return transitionEvents(
    name => names.has(name),
    event => void journal.append(event),
    (name, attempt) =>
      transcriptIn(
        knownContextOf(name).transcript(name, attempt),
        knownContextOf(name).identity(name, attempt).nonce,
      ),
    name => ended.has(name),
    (name, attempt) => knownContextOf(name).networks.blocked(name, attempt),
    (name, attempt) => knownContextOf(name).networks.counted(name, attempt),
  );
}
