import type { EngineConnection } from '../connection/engine-connection.ts';
import { isLabelled, type LabelledNode, nodesOf } from '../connection/swarm-nodes.ts';
import type { Docker } from '../docker/cli.ts';
import { FlowError } from '../errors.ts';
import { contextLabel } from '../spec/placement.ts';
import type { FlowPlan } from '../spec/plan.ts';
import { listNodes, type SwarmNode } from '../swarm/nodes.ts';
import { noContexts, withHint } from '../swarm/swarm-problem.ts';
import { checkLimits, maxConcurrency } from './limits.ts';

/** Check that the engine is a manager of a Docker Swarm, and that its nodes can have each agent. Throws a `FlowError`. */
export async function checkSwarm(
  plan: FlowPlan,
  manager: Pick<EngineConnection, 'docker' | 'engine' | 'address'>,
): Promise<void> {
  const usable = (await nodesOf(manager)).filter(isLabelled);
  if (usable.length === 0) throw new FlowError(withHint(noContexts), 2);
  checkLimits(plan, largest(usable), 'any node of the Docker Swarm');
  checkContexts(plan, usable);
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

/** Return how many agents the nodes have room for at once; all if that cannot be read. */
export async function swarmConcurrency(plan: FlowPlan, docker: Docker): Promise<number> {
  const nodes = await listNodes(docker).catch(() => null);
  if (nodes === null) return plan.agents.length;
  const usable = nodes.filter(isLabelled);
  return Math.max(
    1,
    usable.reduce((sum, node) => sum + maxConcurrency(plan, node), 0),
  );
}
