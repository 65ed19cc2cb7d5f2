import { asStepError } from '../../machines/step-error.ts';
import { nullRecorder } from '../docker/recorder.ts';
import { EngineError, FlowError } from '../errors.ts';
import { listNodes, type SwarmNode } from '../swarm/nodes.ts';
import { managerProblem, otherEngine, withHint } from '../swarm/swarm-problem.ts';
import { type EngineConnection, reachCurrent } from './engine-connection.ts';

/** A node whose label names a docker context. */
export type LabelledNode = SwarmNode & { readonly context: string };

export const isLabelled = (node: SwarmNode): node is LabelledNode => node.context !== null;

/** List the nodes of the Swarm that the engine is a manager of. Throws a `FlowError` if it is none. */
export async function nodesOf({
  docker,
  engine,
  address,
}: Pick<EngineConnection, 'docker' | 'engine' | 'address'>): Promise<SwarmNode[]> {
  const problem = managerProblem(engine.swarm, address);
  if (problem !== null) throw new FlowError(withHint(problem), 2);
  return listNodes(docker).catch((error: unknown) => {
    throw new EngineError(asStepError(error).message, { cause: error });
  });
}

/** Connect to the engine of a node. Throws an `EngineError` for another engine, and for none within this time. */
export async function reachNode({ id, context }: LabelledNode, timeout: number): Promise<EngineConnection> {
  const signal = AbortSignal.timeout(timeout);
  const reads = { calls: [], signal };
  const connection = await reachCurrent(nullRecorder, { context, timeout, reads }).catch((error: unknown) => {
    throw signal.aborted ? noResponse(timeout) : error;
  });
  if (connection.engine.swarm?.nodeId === id) return connection;
  throw new EngineError(withHint(otherEngine(context)));
}

export const noResponse = (timeout: number) =>
  new EngineError(`the Docker engine did not respond within ${timeout / 1000} s`);
