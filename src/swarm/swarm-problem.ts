import type { EngineAddress } from '../docker/engine-address.ts';
import type { EngineInfo } from '../docker/engine-info.ts';
import { contextLabel } from '../spec/placement.ts';

/** Why a Docker Swarm, or one of its nodes, cannot take agents. */
export interface SwarmProblem {
  readonly problem: string;
  /** The fix. */
  readonly hint: string;
}

/** Return both as sentences. */
export const withHint = ({ problem, hint }: SwarmProblem): string =>
  `${problem}. ${hint.charAt(0).toUpperCase()}${hint.slice(1)}`;

/** Return why the engine is no manager of a Swarm; null for a manager. */
export function managerProblem(
  swarm: EngineInfo['swarm'],
  { host }: Pick<EngineAddress, 'host'>,
): SwarmProblem | null {
  if (swarm?.isManager) return null;
  const where = host === '' ? '' : ` at ${host}`;
  const problem = swarm === null ? 'is in no Docker Swarm' : 'is a worker of a Docker Swarm, and no manager';
  return {
    problem: `the Docker engine${where} ${problem}`,
    hint: 'name the docker context of a manager as "swarm", or make one: docker swarm init',
  };
}

const addLabel = (node: string) => `docker node update --label-add ${contextLabel}=CONTEXT ${node}`;

/** No node of a Swarm has the label. */
export const noContexts: SwarmProblem = {
  problem: `no node of the Docker Swarm has the label ${contextLabel}, with the name of the docker context that leads to it`,
  hint: `add it for each node: ${addLabel('NODE')}`,
};

/** A node has no label. */
export const noContext = (nodeId: string): SwarmProblem => ({
  problem: `it has no label ${contextLabel}`,
  hint: `add it: ${addLabel(nodeId)}`,
});

/** The label of a node names the context of another engine. */
export const otherEngine = (context: string): SwarmProblem => ({
  problem: `the docker context ${context} leads to another engine`,
  hint: 'correct it, or the label of the node',
});
