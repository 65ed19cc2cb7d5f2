import type { Docker } from '../docker/cli.ts';
import { onPath } from '../on-path.ts';
import { checkClientConfig, readClientConfig } from './client-config.ts';
import { checkContainers } from './containers.ts';
import { checkDisk, checkDockerDisk } from './disk.ts';
import { queryDocker } from './docker.ts';
import { checkEngine, imageFolder } from './engine.ts';
import { checkSharedFiles } from './files.ts';
import { type Finding, fail } from './finding.ts';
import { checkHost } from './host.ts';
import { checkImages } from './images.ts';
import { checkNetwork } from './network.ts';
import { checkLeftovers, checkState } from './state.ts';
import { checkSwarm } from './swarm.ts';

export interface DoctorContext {
  readonly docker: Docker;
  readonly env: NodeJS.ProcessEnv;
  readonly stateDir: string;
  /** Build context of the base image. */
  readonly source: string;
  /** To check a Docker Swarm: return the docker client of a context. The engine must be a manager of it. */
  readonly clientOf?: (context: string) => Docker;
}

export interface Diagnosis {
  readonly findings: readonly Finding[];
  /** 0 without failures, 3 if a check of Docker failed, else 1. */
  readonly exitCode: 0 | 1 | 3;
}

/** Check everything that a run needs, without changing anything. */
export async function examine(context: DoctorContext): Promise<Diagnosis> {
  const { env, stateDir } = context;
  const host = checkHost(env);
  const [docker, state] = await Promise.all([checkDocker(context), checkState(stateDir)]);
  const space = await checkDisk(
    'state disk',
    stateDir,
    'free some with agent-flow cleanup --runs --older-than 14d',
  );
  const failed = (findings: readonly Finding[]) => findings.some(({ status }) => status === 'fail');
  const exitCode = failed(docker) ? 3 : failed([...host, state]) ? 1 : 0;
  return { findings: [...host, ...docker, state, space], exitCode };
}

/** Skip the checks that need the engine if it is unreachable. */
async function checkDocker({ docker, env, stateDir, source, clientOf }: DoctorContext): Promise<Finding[]> {
  const path = onPath('docker', env);
  if (path === null)
    return [fail('docker client', 'not on PATH', 'install Docker: https://docs.docker.com/engine/install/')];
  const facts = await queryDocker(docker);
  const config = readClientConfig(env);
  const configured = checkClientConfig(config, env);
  const findings = [...checkEngine(facts, path, env, config), ...(configured === null ? [] : [configured])];
  if (facts.engine === null) return findings;
  const [files, disk, images, network, leftovers, swarm] = await Promise.all([
    checkSharedFiles(facts.engine, { docker, env, stateDir }),
    checkDockerDisk(docker, imageFolder(facts, facts.engine)),
    checkImages(docker, source),
    checkNetwork(docker),
    checkLeftovers(docker, stateDir),
    clientOf ? checkSwarm(facts, docker, { env, source, clientOf }) : [],
  ]);
  const ofEngine = [...checkContainers(facts.engine, env), files, disk, ...images, network, leftovers];
  return [...findings, ...ofEngine, ...swarm];
}
