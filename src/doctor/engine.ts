import { withoutSecrets } from '../docker/engine-address.ts';
import { engineHint, isRemoteHost } from '../docker/engine-hint.ts';
import { containerSupportOf, isPodman, podmanCommand } from '../docker/engine-info.ts';
import type { ClientConfig } from './client-config.ts';
import { gigabytes } from './disk.ts';
import type { DockerFacts, Engine } from './docker.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** The client, the engine, who builds images, and whether an agent with the default limits fits. */
export function checkEngine(
  facts: DockerFacts,
  path: string,
  env: NodeJS.ProcessEnv,
  config: ClientConfig,
): Finding[] {
  const { client, engine } = facts;
  if (/^podman /i.test(client ?? ''))
    return [fail('docker client', `${path} is ${client}`, podmanCommand.hint)];
  const finding = client
    ? ok('docker client', `${client} (${path})`)
    : fail('docker client', `${path} does not tell its version`, 'run docker --version to see why');
  if (engine === null) return [finding, silent(facts, env)];
  return [finding, answering(facts, engine, env), builder(engine, env, config), size(engine)];
}

/** `unix:///run/docker.sock (context rootless)`, and why it is that one. */
function address({ context, endpoint }: DockerFacts, env: NodeJS.ProcessEnv): string {
  if (env.DOCKER_HOST) return `${withoutSecrets(env.DOCKER_HOST)} (DOCKER_HOST)`;
  return `${endpoint ?? 'its socket'}${context === null || context === 'default' ? '' : ` (context ${context})`}`;
}

function answering(facts: DockerFacts, engine: Engine, env: NodeJS.ProcessEnv): Finding {
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
      `${found}: older than any that was tried`,
      'update it to Docker 20.10 or newer',
    );
  if (isPodman(engine))
    return warn(
      'docker engine',
      `${found}: agents run, but "network": "isolated" or a list of hosts, and "gpus", are refused`,
      'docs/engines.md lists what was tried; use a Docker engine for the rest',
    );
  return ok('docker engine', found);
}

function silent(facts: DockerFacts, env: NodeJS.ProcessEnv): Finding {
  const where = address(facts, env);
  const found = `${facts.silence}${facts.silence?.includes(facts.endpoint ?? '') ? '' : ` (${where})`}`;
  return fail('docker engine', found, engineHint(facts.endpoint ?? '', env));
}

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
    return fail('image builder', 'buildx, which Podman has no BuildKit for', 'set DOCKER_BUILDKIT=0');
  if (isPodman(engine)) return ok('image builder', 'that of Podman');
  if (buildx) return ok('image builder', `buildx ${buildx.Version ?? ''}`.trim());
  if (env.DOCKER_BUILDKIT === '1')
    return fail(
      'image builder',
      'DOCKER_BUILDKIT=1 asks for buildx, which is not there',
      'install buildx (package docker-buildx-plugin or docker-buildx), or unset DOCKER_BUILDKIT',
    );
  // As `docker buildx install` writes it. An explicit 0 outweighs it.
  if (settings?.aliases?.builder === 'buildx' && env.DOCKER_BUILDKIT !== '0')
    return fail(
      'image builder',
      `${path} makes buildx the builder, which is not there`,
      'install buildx (package docker-buildx-plugin or docker-buildx), or take "aliases" out of the file',
    );
  return ok('image builder', 'the legacy builder, as there is no buildx; it will do');
}

const seed = { memory: 4 * 1024 ** 3, cpus: 2 };

function size({ NCPU, MemTotal }: Engine): Finding {
  const found = `${NCPU} CPU${NCPU === 1 ? '' : 's'}, ${gigabytes(MemTotal)} of memory`;
  // The kernel keeps some of what a machine of 4 GB has.
  if (MemTotal < seed.memory * 0.9)
    return warn(
      'engine size',
      `${found}; an agent is given 4 GB`,
      'set "memory" in the spec, for example "1g"',
    );
  if (NCPU < seed.cpus)
    return warn(
      'engine size',
      `${found}; an agent is given 2 CPUs where there are`,
      'expect agents to be slow',
    );
  return ok('engine size', found);
}
