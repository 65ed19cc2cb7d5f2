import { withoutSecrets } from '../docker/engine-address.ts';
import { engineHint, isRemoteHost } from '../docker/engine-hint.ts';
import { containerSupportOf } from '../docker/engine-info.ts';
import { isPodman, podmanCommandProblem } from '../docker/podman.ts';
import type { ClientConfig } from './client-config.ts';
import { gigabytes } from './disk.ts';
import type { DockerFacts, Engine } from './docker.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** Check the client, the engine, the image builder, and whether an agent with the default limits fits. */
export function checkEngine(
  facts: DockerFacts,
  path: string,
  env: NodeJS.ProcessEnv,
  config: ClientConfig,
): Finding[] {
  const { client, engine } = facts;
  if (/^podman /i.test(client ?? ''))
    return [fail('docker client', `${path} is ${client}`, podmanCommandProblem.hint)];
  const finding = client
    ? ok('docker client', `${client} (${path})`)
    : fail('docker client', `${path} does not print its version`, 'run docker --version to see why');
  if (engine === null) return [finding, unreachable(facts, env)];
  return [finding, reachable(facts, engine, env), builder(engine, env, config), size(engine)];
}

/** Check the engine of a node of a Docker Swarm; the client is that of the manager. Others take its agents while it is away. */
export function checkNodeEngine(facts: DockerFacts, env: NodeJS.ProcessEnv): Finding[] {
  if (facts.engine !== null) return [reachable(facts, facts.engine, env), size(facts.engine)];
  const { check, found } = unreachable(facts, env);
  return [warn(check, found, `start the engine there, or correct the docker context ${facts.context ?? ''}`)];
}

/** Return the address with its origin: `unix:///run/docker.sock (context rootless)`. */
function address({ context, endpoint }: DockerFacts, env: NodeJS.ProcessEnv): string {
  if (env.DOCKER_HOST) return `${withoutSecrets(env.DOCKER_HOST)} (DOCKER_HOST)`;
  return `${endpoint ?? 'the default socket'}${context === null || context === 'default' ? '' : ` (context ${context})`}`;
}

function reachable(facts: DockerFacts, engine: Engine, env: NodeJS.ProcessEnv): Finding {
  const { ServerVersion, OSType, OperatingSystem = '', DefaultRuntime } = engine;
  const { isRootless } = containerSupportOf(engine);
  const found = [
    `${isPodman(engine) ? 'Podman ' : ''}${ServerVersion}, API ${facts.api?.engine ?? 'unknown'}`,
    ...(isRootless ? ['rootless'] : []),
    ...(isDesktop(engine) ? ['Docker Desktop'] : [OperatingSystem]),
    ...(DefaultRuntime && DefaultRuntime !== 'runc' ? [`runtime ${DefaultRuntime}`] : []),
    `at ${address(facts, env)}`,
  ].join(', ');
  if (OSType && OSType !== 'linux')
    return fail('docker engine', `${found}: it runs ${OSType} containers`, 'switch it to Linux containers');
  if (older(facts.api?.engine, [1, 41]))
    return warn(
      'docker engine',
      `${found}: older than any tested version`,
      'update to Docker 20.10 or newer',
    );
  if (isPodman(engine))
    return warn(
      'docker engine',
      `${found}: "network": "isolated", "network": {"allow"} and "gpus" are not supported`,
      'see docs/engines.md, or use a Docker engine',
    );
  return ok('docker engine', found);
}

function unreachable(facts: DockerFacts, env: NodeJS.ProcessEnv): Finding {
  const { problem } = facts;
  const found = `${problem}${problem?.includes(facts.endpoint ?? '') ? '' : ` (${address(facts, env)})`}`;
  return fail('docker engine', found, engineHint(facts.endpoint ?? '', env));
}

/** Return the folder of this machine in which the engine stores images; null if it is on another one. */
export const imageFolder = (facts: DockerFacts, engine: Engine): string | null =>
  isRemote(facts) || isDesktop(engine) ? null : (engine.DockerRootDir ?? null);

export const isRemote = ({ endpoint }: DockerFacts) => isRemoteHost(endpoint ?? '');

export const isDesktop = ({ OperatingSystem = '' }: Engine) => /docker desktop/i.test(OperatingSystem);

function older(version: string | undefined, [major, minor]: readonly [number, number]): boolean {
  const [a = 0, b = 0] = version?.split('.').map(Number) ?? [major, minor];
  return a < major || (a === major && b < minor);
}

function builder(engine: Engine, env: NodeJS.ProcessEnv, { path, settings }: ClientConfig): Finding {
  const buildx = engine.ClientInfo?.Plugins?.find(({ Name }) => Name === 'buildx');
  // https://github.com/containers/podman/issues/17836
  if (isPodman(engine) && (buildx ? env.DOCKER_BUILDKIT !== '0' : env.DOCKER_BUILDKIT === '1'))
    return fail('image builder', 'buildx is installed, but Podman has no BuildKit', 'set DOCKER_BUILDKIT=0');
  if (isPodman(engine)) return ok('image builder', 'Podman');
  if (buildx) return ok('image builder', `buildx ${buildx.Version ?? ''}`.trim());
  if (env.DOCKER_BUILDKIT === '1')
    return fail(
      'image builder',
      'DOCKER_BUILDKIT=1 requires buildx, which is not installed',
      'install buildx (package docker-buildx-plugin or docker-buildx), or unset DOCKER_BUILDKIT',
    );
  // Written by `docker buildx install`. DOCKER_BUILDKIT=0 overrides it.
  if (settings?.aliases?.builder === 'buildx' && env.DOCKER_BUILDKIT !== '0')
    return fail(
      'image builder',
      `${path} sets buildx as the builder, which is not installed`,
      'install buildx (package docker-buildx-plugin or docker-buildx), or remove "aliases" from the file',
    );
  return ok('image builder', 'legacy builder (buildx is not installed)');
}

const defaultLimits = { memory: 4 * 1024 ** 3, cpus: 2 };

function size({ NCPU, MemTotal }: Engine): Finding {
  const found = `${NCPU} CPU${NCPU === 1 ? '' : 's'}, ${gigabytes(MemTotal)} of memory`;
  // The kernel keeps some of what a machine of 4 GB has.
  if (MemTotal < defaultLimits.memory * 0.9)
    return warn(
      'engine size',
      `${found}; the default for an agent is 4 GB`,
      'set "memory" in the spec, for example "1g"',
    );
  if (NCPU < defaultLimits.cpus)
    return warn(
      'engine size',
      `${found}; the default for an agent is 2 CPUs`,
      'expect agents to be slow, or use a larger machine',
    );
  return ok('engine size', found);
}
