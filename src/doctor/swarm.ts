import PQueue from 'p-queue';
import { asStepError } from '../../machines/step-error.ts';
import type { Docker } from '../docker/cli.ts';
import { inContext, withoutSecrets } from '../docker/engine-address.ts';
import { swarmOf } from '../docker/engine-info.ts';
import { listNodes, nodeName, type SwarmNode } from '../swarm/nodes.ts';
import { managerProblem, noContext, noContexts, otherEngine } from '../swarm/swarm-problem.ts';
import { oneLine } from '../text/text.ts';
import { checkContainers } from './containers.ts';
import { checkDockerDisk } from './disk.ts';
import { type DockerFacts, dockerTimeoutMs, queryDocker } from './docker.ts';
import { checkNodeEngine, imageFolder } from './engine.ts';
import { type Finding, fail, ok, warn } from './finding.ts';
import { checkImages } from './images.ts';
import { checkNetwork } from './network.ts';

/** The parts of a diagnosis that the nodes share. */
export interface NodeChecks {
  readonly env: NodeJS.ProcessEnv;
  /** Build context of the base image. */
  readonly source: string;
  /** Return the docker client of a context. */
  readonly clientOf: (context: string) => Docker;
}

const check = 'docker swarm';
const nodesAtOnce = 8;

/** Check that an engine with these facts is a manager of a Swarm, and check the engine of each of its nodes. */
export async function checkSwarm(
  { engine, endpoint }: DockerFacts,
  docker: Docker,
  checks: NodeChecks,
): Promise<Finding[]> {
  if (engine === null) return [];
  const problem = managerProblem(swarmOf(engine.Swarm), { host: withoutSecrets(endpoint ?? '') });
  if (problem !== null) return [fail(check, problem.problem, problem.hint)];
  const withTimeout: Docker = (args, options) => docker(args, { ...options, timeout: dockerTimeoutMs });
  let nodes: readonly SwarmNode[];
  try {
    nodes = await listNodes(withTimeout);
  } catch (error) {
    return [fail(check, asStepError(error).message, 'run docker node ls to see why')];
  }
  if (nodes.every(({ context }) => context === null))
    return [fail(check, noContexts.problem, noContexts.hint)];
  const queue = new PQueue({ concurrency: nodesAtOnce });
  const found = await Promise.all(nodes.map(node => queue.add(() => checkNode(node, checks))));
  const usable = found.filter(({ isUsable }) => isUsable).length;
  const counted = `agents can be placed on ${usable} of ${nodes.length} nodes`;
  const finding =
    usable > 0 ? ok(check, counted) : fail(check, counted, 'fix what is reported for its nodes');
  return [finding, ...found.flatMap(({ findings }) => findings)];
}

interface CheckedNode {
  readonly findings: readonly Finding[];
  readonly isUsable: boolean;
}

/** A node that cannot take agents is only a warning: Swarm places them on the others. */
async function checkNode(node: SwarmNode, checks: NodeChecks): Promise<CheckedNode> {
  const { id, context } = node;
  if (context === null) {
    const { problem, hint } = noContext(id);
    return { findings: [warn(`node ${oneLine(nodeName(node))}`, problem, hint)], isUsable: false };
  }
  const prefixed = (finding: Finding): Finding => ({
    ...finding,
    check: `host ${context}: ${finding.check}`,
  });
  const docker = checks.clientOf(context);
  const facts = await queryDocker(docker);
  if (facts.engine !== null && swarmOf(facts.engine.Swarm)?.nodeId !== id) {
    const { problem, hint } = otherEngine(context);
    return { findings: [prefixed(warn('docker engine', problem, hint))], isUsable: false };
  }
  const findings = await checkEngineOf(facts, docker, { ...checks, env: inContext(context, checks.env) });
  return { findings: findings.map(prefixed), isUsable: facts.engine !== null };
}

/** Skip the checks that need the engine if it is unreachable. */
async function checkEngineOf(
  facts: DockerFacts,
  docker: Docker,
  { env, source }: NodeChecks,
): Promise<Finding[]> {
  const findings = checkNodeEngine(facts, env);
  if (facts.engine === null) return findings;
  const [disk, images, network] = await Promise.all([
    checkDockerDisk(docker, imageFolder(facts, facts.engine)),
    checkImages(docker, source),
    checkNetwork(docker),
  ]);
  return [...findings, ...checkContainers(facts.engine, env), disk, ...images, network];
}
