import { EngineError } from '../errors.ts';
import type { AgentPlan, FlowPlan } from '../spec/plan.ts';
import type { RunEngine, RunHost } from '../store/run-file.ts';
import { type EngineConnection, runEngineOf } from './engine-connection.ts';

/** A Docker engine of a run, and the names by which agents are placed on it. */
export interface Host extends EngineConnection {
  readonly names: readonly HostName[];
}

/** The docker context in an agent's `placement`; null for the engine of the run. */
export type HostName = string | null;

/** The agents of one host. */
export interface HostPlan {
  readonly title: HostName;
  readonly plan: FlowPlan;
  /** One of each host of the run, which resolves when its images are built whose sources agents could write to. */
  readonly exposed: ((request: string, signal: AbortSignal) => Promise<unknown>)[];
}

interface Named {
  readonly names: readonly HostName[];
}

type Placed = Pick<AgentPlan, 'placement'>;

const hostNameOf = ({ placement }: Placed): HostName => placement?.host ?? null;

/** Return the names of all hosts that agents are placed on, in the order of the agents. */
export const hostNames = (agents: readonly Placed[]): HostName[] => [...new Set(agents.map(hostNameOf))];

/** Return the host that an agent is placed on; undefined without any host. */
export const hostOf = <H extends Named>(hosts: readonly H[], agent: Placed): H | undefined =>
  hosts.find(({ names }) => names.includes(hostNameOf(agent)));

/** Return the plan with the agents of one host alone. */
export const planOn = (plan: FlowPlan, { names }: Named): FlowPlan => ({
  ...plan,
  agents: plan.agents.filter(agent => names.includes(hostNameOf(agent))),
});

/** Return the name of a host for messages; null for the engine of the run. */
export const titleOf = ({ names }: Named): HostName => (names.includes(null) ? null : names[0]!);

/** Connect to the host of each name. Two names of one engine are one host. */
export async function connectHosts<Name extends HostName>(
  names: readonly Name[],
  connect: (name: Name) => Promise<EngineConnection>,
): Promise<Host[]> {
  const connections = await Promise.all(names.map(name => connect(name).catch(inHost(name))));
  return merged(connections.map((connection, index) => ({ ...connection, names: [names[index]!] })));
}

/** Merge the hosts that are one engine. The engine of a copied machine has the same id, and another host name. */
export function merged(hosts: readonly Host[]): Host[] {
  const engines = Map.groupBy(hosts, ({ engine }) => engineKey(engine));
  return [...engines.values()].map(same => ({ ...same[0]!, names: same.flatMap(({ names }) => names) }));
}

export const engineKey = ({ id, hostName }: Pick<RunEngine, 'id' | 'hostName'>): string =>
  JSON.stringify([id, hostName]);

/** Name the host in the error of a connection. */
export const inHost = (name: HostName) => (error: unknown) => {
  if (name === null || !(error instanceof EngineError)) throw error;
  throw new EngineError(`host ${name}: ${error.message}`, { cause: error });
};

export const runHostOf = (host: Host, hasOtherFiles: boolean): RunHost => ({
  names: host.names,
  engine: runEngineOf(host),
  ...(hasOtherFiles && { hasOtherFiles }),
});
