import type { EngineConnection } from '../connection/engine-connection.ts';
import { isLabelled, type LabelledNode, nodesOf } from '../connection/swarm-nodes.ts';
import { FlowError } from '../errors.ts';
import { contextLabel, vxlanLabel } from '../spec/placement.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { listNodes, type SwarmNode } from '../swarm/nodes.ts';
import { noContexts, withHint } from '../swarm/swarm-problem.ts';
import { checkLimits, maxConcurrency } from './limits.ts';

/**
 * Check that the engine is a manager of a Docker Swarm, and that its nodes can have each agent. Resolves with warnings. Throws a
 * `FlowError`.
 */
export async function checkSwarm(
  plan: FlowPlan,
  manager: Pick<EngineConnection, 'docker' | 'engine' | 'address'>,
): Promise<string[]> {
  const nodes = await nodesOf(manager);
  const usable = nodes.filter(isLabelled);
  if (usable.length === 0) throw new FlowError(withHint(noContexts), 2);
  checkLimits(plan, largest(usable), 'any node of the Docker Swarm');
  checkContexts(plan, usable);
  checkAddresses(plan, maxIsolated(manager, nodes));
  return countIsolated(plan) === 0 ? [] : forgeryWarnings(usable);
}

function forgeryWarnings(nodes: readonly LabelledNode[]): string[] {
  const open = nodes.filter(({ hasVxlanFilter }) => !hasVxlanFilter).map(({ context }) => context);
  if (open.length === 0) return [];
  const hosts = `${open.slice(0, 5).join(', ')}${open.length > 5 ? ` and ${open.length - 5} more` : ''}`;
  return [
    `on ${hosts}, agents of other runs can send forged datagrams into the isolated network. Filter them, and label the nodes ${vxlanLabel}=filtered: docs/networks.md`,
  ];
}

type Manager = Pick<EngineConnection, 'docker' | 'engine'>;

/** Addresses of a network that no container has: the first, the last, and that of the gateway. */
const reservedAddresses = 3;

/** Return how many agents can be on the isolated network of a run at once. Each node of the Swarm takes an address as well. */
const maxIsolated = ({ engine: { swarm } }: Pick<Manager, 'engine'>, nodes: readonly SwarmNode[]) =>
  Math.max(1, 2 ** (32 - (swarm?.subnetSize ?? 24)) - reservedAddresses - nodes.length);

const countIsolated = ({ agents }: FlowPlan) =>
  agents.filter(({ network }) => network.mode === 'isolated').length;

/** An agent without an address would fail after some minutes. */
function checkAddresses(plan: FlowPlan, max: number): void {
  const { concurrency } = plan;
  if (concurrency === null || Math.min(concurrency, countIsolated(plan)) <= max) return;
  throw new FlowError(
    `concurrency: an isolated network of the Docker Swarm has addresses for ${max} agents at once. Reduce "concurrency" to ${max}, or create the Swarm with larger networks: docker swarm init --default-addr-pool-mask-length 20`,
    2,
  );
}

/** A larger agent than any node would wait for ever. */
const largest = (nodes: readonly SwarmNode[]) => ({
  cpus: Math.max(...nodes.map(({ cpus }) => cpus)),
  memory: Math.max(...nodes.map(({ memory }) => memory)),
});

function checkContexts({ agents }: FlowPlan, nodes: readonly LabelledNode[]): void {
  const known = nodes.map(({ context }) => context);
  const problems = agents.flatMap(({ name, placement }) =>
    (placement?.constraints ?? []).flatMap(constraint => {
      const [, context] = constraint.split(`node.labels.${contextLabel}==`);
      if (context === undefined || known.includes(context)) return [];
      return [
        `agents.${name}.placement: no node of the Docker Swarm has the label ${contextLabel}=${context}; there are ${known.join(', ')}`,
      ];
    }),
  );
  if (problems.length > 0) throw new FlowError(problems.join('\n'), 2);
}

/** Return how many agents the nodes have room and addresses for at once; all if that cannot be read. */
export async function swarmConcurrency(plan: FlowPlan, manager: Manager): Promise<number> {
  const nodes = await listNodes(manager.docker).catch(() => null);
  if (nodes === null) return plan.agents.length;
  const usable = nodes.filter(isLabelled);
  const room = usable.reduce((sum, node) => sum + maxConcurrency(plan, node), 0);
  const max = maxIsolated(manager, nodes);
  return Math.max(1, countIsolated(plan) > max ? Math.min(room, max) : room);
}
