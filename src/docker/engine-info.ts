import * as z from 'zod';
import { onPath } from '../on-path.ts';
import { oneLine } from '../text/text.ts';
import type { Docker, DockerOptions, DockerResult } from './cli.ts';
import { DockerError } from './docker-error.ts';
import { messageOf } from './messages.ts';
import { isPodman, podmanCommandProblem, podmanInfo } from './podman.ts';
import { allLimits, type SupportedLimits } from './resource-limits.ts';

/** The fields of `docker info` that describe the engine's support for containers. */
export const rawContainerSupport = z.object({
  OSType: z.string().nullish(),
  Architecture: z.string().nullish(),
  DockerRootDir: z.string().nullish(),
  SecurityOptions: z.array(z.string()).nullish(),
  MemoryLimit: z.boolean().nullish(),
  SwapLimit: z.boolean().nullish(),
  CpuCfsQuota: z.boolean().nullish(),
  PidsLimit: z.boolean().nullish(),
  InitBinary: z.string().nullish(),
  InitCommit: z.object({ ID: z.string().nullish() }).nullish(),
});

/** The field of `docker info` that describes the engine's place in a Docker Swarm. */
export const rawSwarm = z.object({
  NodeID: z.string().nullish(),
  ControlAvailable: z.boolean().nullish(),
  Cluster: z.object({ SubnetSize: z.number().nullish() }).nullish(),
});

const info = rawContainerSupport.extend({
  ID: z.string().optional(),
  ServerVersion: z.string(),
  Name: z.string().optional(),
  NCPU: z.number(),
  MemTotal: z.number(),
  SystemTime: z.string().optional(),
  Plugins: z.object({ Log: z.array(z.string()).nullish() }).nullish(),
  Swarm: rawSwarm.nullish(),
});

const errors = z.object({ ServerErrors: z.array(z.string()).nullish() });

export interface EngineInfo extends ContainerSupport {
  /** Identifies its images and containers: it stays the same as long as they exist. */
  readonly id: string;
  readonly version: string;
  /** The name of its machine; null if it does not report one. */
  readonly hostName: string | null;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  /** Its directory of images and containers; null if it does not report one. */
  readonly rootDir: string | null;
  /** The time of the engine's clock, milliseconds since the epoch; null if it does not report one. Never compare it with ours. */
  readonly systemTime: number | null;
  /** The engine is Podman, through its docker-compatible socket. */
  readonly isPodman: boolean;
  /** Its place in a Docker Swarm; null without one. */
  readonly swarm: SwarmMembership | null;
}

interface SwarmMembership {
  readonly nodeId: string;
  readonly isManager: boolean;
  /** Bits of the addresses that the Swarm's own choice of a subnet fixes, such as 24; only a manager reports it. */
  readonly subnetSize?: number;
}

export interface ContainerSupport {
  /** Users of containers have other ids on the host: `userns-remap`. */
  readonly isRemapped: boolean;
  /** The host's ids for root of a remapped container; null without remapping, or if the engine does not report them. */
  readonly remappedRoot: { readonly uid: number; readonly gid: number } | null;
  /** Root in a container is the engine's own user on the host. */
  readonly isRootless: boolean;
  readonly supportedLimits: SupportedLimits;
  /** As docker writes it, `linux/amd64`; null if the engine does not report one. */
  readonly platform: string | null;
}

/**
 * The id alone is not enough: up to Docker 20.10 two engines of one machine can have the same, and Podman generates one for
 * each call. The directory of its data identifies an engine.
 */
const idOf = ({ ID, Name, DockerRootDir, Plugins }: z.output<typeof info>): string =>
  `${(isPodman({ Plugins }) ? Name : ID) ?? ''}:${DockerRootDir ?? ''}`;

/** Return an engine's support for containers from its `docker info`. */
export function containerSupportOf(facts: z.output<typeof rawContainerSupport>): ContainerSupport {
  const { OSType, Architecture, DockerRootDir, SecurityOptions } = facts;
  const has = (option: string) =>
    SecurityOptions?.some(text => text.split(',')[0] === `name=${option}`) ?? false;
  const isRemapped = has('userns');
  const [, uid, gid] = /\/(\d+)\.(\d+)\/?$/.exec(DockerRootDir ?? '') ?? [];
  return {
    isRemapped,
    remappedRoot: isRemapped && uid !== undefined ? { uid: Number(uid), gid: Number(gid) } : null,
    isRootless: has('rootless'),
    // A limit that the engine does not report counts as supported.
    supportedLimits: {
      cpus: facts.CpuCfsQuota ?? true,
      memory: facts.MemoryLimit ?? true,
      swap: facts.SwapLimit ?? true,
      pids: facts.PidsLimit ?? true,
    },
    platform: platformOf(OSType, Architecture),
  };
}

/** Return a platform as docker writes it, `linux/amd64`, from what an engine reports; null if it does not. */
export const platformOf = (
  system: string | null | undefined,
  architecture: string | null | undefined,
): string | null =>
  system && architecture ? `${system}/${architectures[architecture] ?? architecture}` : null;

/** An engine that supports all limits, and whose users are those of the host. */
export const unrestrictedEngine: ContainerSupport = {
  isRemapped: false,
  remappedRoot: null,
  isRootless: false,
  supportedLimits: allLimits,
  platform: null,
};

/** The kernel's names of architectures, and those of images. */
const architectures: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  aarch64: 'arm64',
  armv7l: 'arm',
  armv6l: 'arm',
  i686: '386',
};

const client = z.object({ ClientInfo: z.object({ Context: z.string() }) });

export interface EngineInfoOptions {
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  /** Return the fix for an unreachable engine. */
  readonly hint?: () => string;
  /** A `docker info` of this engine that was called before. */
  readonly info?: Promise<DockerResult>;
}

const infoTimeoutMs = 20_000;

/** Call `docker info`. */
export const callInfo = (docker: Docker, { timeout = infoTimeoutMs, ...options }: DockerOptions = {}) =>
  docker(['info', '--format={{json .}}'], { timeout, ...options });

/**
 * Return whether the facts of a `docker info` may be those of another engine than that of this context: it reports another
 * context, or none, as before Docker 20.
 */
export const mayBeOtherContext = ({ ok, stdout }: DockerResult, context: string): boolean =>
  ok && read(info, stdout) !== null && read(client, stdout)?.ClientInfo.Context !== context;

/** Read the engine's facts. Throws an `unreachable` DockerError for an engine that does not respond. */
export async function engineInfo(
  docker: Docker,
  {
    timeout = infoTimeoutMs,
    hint = () => '',
    info: call = callInfo(docker, { timeout }),
  }: EngineInfoOptions = {},
): Promise<EngineInfo> {
  const result = await call.catch(error => {
    throw unreachableError(`docker cannot be called: ${String(error.message)}`, '');
  });
  const unreachable = (problem: string, fix: string) => unreachableError(problem, fix, result);
  const parsed = result.ok ? read(info, result.stdout) : null;
  if (parsed && parsed.ServerVersion !== '') return engineOf(parsed);
  if (result.ok && read(podmanInfo, result.stdout) !== null)
    throw unreachable(podmanCommandProblem.problem, podmanCommandProblem.hint);
  if (onPath('docker', process.env) === null)
    throw unreachable('the docker command is not on PATH', 'install Docker first');
  if (result.interrupted === 'timeout')
    throw unreachable(`the Docker engine did not respond within ${timeout / 1000} s`, hint());
  // The exit codes of a shell that cannot start docker, or a script in its place.
  const isBroken = result.exitCode === 126 || result.exitCode === 127;
  const fix = isBroken
    ? 'run docker info to see why: it must work in the shell that runs agent-flow'
    : hint();
  throw unreachable(`could not reach the Docker engine: ${reasonOf(result)}`, fix);
}

function unreachableError(problem: string, fix: string, result?: DockerResult): DockerError {
  const { exitCode = null, stderr = '', interrupted = null } = result ?? {};
  const message = fix === '' ? problem : `${problem}. ${capitalised(fix)}`;
  return new DockerError('unreachable', message, {
    ...{ command: 'docker info', exitCode, stderr, interrupted },
    inDoubt: false,
  });
}

/** Without an engine `docker info` prints the reason among its facts, and exits with 0 or 1. */
function reasonOf({ stdout, stderr, exitCode }: DockerResult): string {
  const [reason] = read(errors, stdout)?.ServerErrors ?? [];
  const message = messageOf(reason ?? stderr).replace(/\. Is the docker daemon running\?$/, '');
  return message.replace(/\.$/, '') || unreadable(stdout, exitCode);
}

const capitalised = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function engineOf(facts: z.output<typeof info>): EngineInfo {
  const { ServerVersion, Name, NCPU, MemTotal, DockerRootDir, SystemTime = '' } = facts;
  const systemTime = Date.parse(SystemTime);
  return {
    id: idOf(facts),
    version: ServerVersion,
    hostName: Name || null,
    cpus: NCPU,
    memory: MemTotal,
    rootDir: DockerRootDir || null,
    systemTime: Number.isNaN(systemTime) ? null : systemTime,
    isPodman: isPodman(facts),
    swarm: swarmOf(facts.Swarm),
    ...containerSupportOf(facts),
  };
}

/** Return an engine's place in a Docker Swarm from its `docker info`; null without one. */
export function swarmOf(swarm: z.output<typeof rawSwarm> | null | undefined): EngineInfo['swarm'] {
  if (!swarm?.NodeID) return null;
  const subnetSize = swarm.Cluster?.SubnetSize;
  return {
    nodeId: swarm.NodeID,
    isManager: swarm.ControlAvailable ?? false,
    ...(subnetSize ? { subnetSize } : {}),
  };
}

/** The output may come from something else than docker, such as a script in its place. */
const unreadable = (stdout: string, exitCode: number | null) => {
  const end = exitCode === 0 || exitCode === null ? '' : `docker exited with ${exitCode}, and `;
  return stdout.trim() === ''
    ? `${end}it printed nothing`
    : `${end}its output cannot be read: ${oneLine(stdout).slice(0, 100)}`;
};

/** Return null for output that is not the facts of an engine, such as half of them. */
function read<T>(schema: z.ZodType<T>, stdout: string): T | null {
  try {
    return schema.safeParse(JSON.parse(stdout)).data ?? null;
  } catch {
    return null;
  }
}
