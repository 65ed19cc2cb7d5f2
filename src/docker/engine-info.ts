import * as z from 'zod';
import { onPath } from '../on-path.ts';
import { oneLine } from '../text/text.ts';
import type { Docker, DockerAnswer } from './cli.ts';
import { DockerError } from './docker-error.ts';
import { messageOf } from './errors.ts';
import { allLimits, type SupportedLimits } from './resource-limits.ts';

/** What `docker info` tells of the containers that an engine can run. */
export const containerSupport = z.object({
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

const info = containerSupport.extend({
  ID: z.string().optional(),
  ServerVersion: z.string(),
  Name: z.string().optional(),
  NCPU: z.number(),
  MemTotal: z.number(),
  SystemTime: z.string().optional(),
  Plugins: z.object({ Log: z.array(z.string()).nullish() }).nullish(),
});

const errors = z.object({ ServerErrors: z.array(z.string()).nullish() });

export interface EngineInfo extends ContainerSupport {
  /** Of what it has: it stays the same as long as its images and containers are there. */
  readonly id: string;
  readonly version: string;
  /** The name of its machine; null where it does not say. */
  readonly hostName: string | null;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  /** Where it keeps images and containers; null where it does not say. */
  readonly rootDir: string | null;
  /** What its own clock read, milliseconds since the epoch; null where it does not say. Not to be compared with ours. */
  readonly systemTime: number | null;
  /** Podman, through its docker-compatible socket. */
  readonly isPodman: boolean;
}

export interface ContainerSupport {
  /** Users of containers are others on the host: `userns-remap`. */
  readonly isRemapped: boolean;
  /** The host's ids for root of a remapped container; null where there is no remapping, or the engine does not tell. */
  readonly remappedRoot: { readonly uid: number; readonly gid: number } | null;
  /** Root in a container is the engine's own user on the host. */
  readonly isRootless: boolean;
  readonly supportedLimits: SupportedLimits;
  /** As docker writes it, `linux/amd64`; null where the engine does not tell. */
  readonly platform: string | null;
}

/** Tell Podman from Docker by `docker info`, which names neither: only Podman has the log driver `k8s-file`. */
export const isPodman = ({ Plugins }: Pick<z.output<typeof info>, 'Plugins'>): boolean =>
  Plugins?.Log?.includes('k8s-file') ?? false;

/**
 * The id alone will not do: two engines of one machine can have the same, up to Docker 20.10, and Podman makes one up for
 * each answer. What an engine has is where it keeps it.
 */
const idOf = ({ ID, Name, DockerRootDir, Plugins }: z.output<typeof info>): string =>
  `${(isPodman({ Plugins }) ? Name : ID) ?? ''}:${DockerRootDir ?? ''}`;

/** Podman's own command prints other facts than docker does, also where it is called docker (package podman-docker). */
const podmanInfo = z.object({ host: z.object({ buildahVersion: z.string() }) });
export const podmanCommand = {
  problem: 'the docker command is Podman under another name, which prints other facts than docker',
  hint: 'install the docker client (package docker-ce-cli, or docker.io of Debian), and set DOCKER_HOST to the socket of Podman',
} as const;

/** Read what an engine can do for containers out of its `docker info`. */
export function containerSupportOf(facts: z.output<typeof containerSupport>): ContainerSupport {
  const { OSType, Architecture, DockerRootDir, SecurityOptions } = facts;
  const has = (option: string) =>
    SecurityOptions?.some(text => text.split(',')[0] === `name=${option}`) ?? false;
  const isRemapped = has('userns');
  const [, uid, gid] = /\/(\d+)\.(\d+)\/?$/.exec(DockerRootDir ?? '') ?? [];
  return {
    isRemapped,
    remappedRoot: isRemapped && uid !== undefined ? { uid: Number(uid), gid: Number(gid) } : null,
    isRootless: has('rootless'),
    // One that it does not tell of is taken to be supported.
    supportedLimits: {
      cpus: facts.CpuCfsQuota ?? true,
      memory: facts.MemoryLimit ?? true,
      swap: facts.SwapLimit ?? true,
      pids: facts.PidsLimit ?? true,
    },
    platform: OSType && Architecture ? `${OSType}/${architectures[Architecture] ?? Architecture}` : null,
  };
}

/** An engine that holds all limits, and whose users are those of the host. */
export const unrestrictedEngine: ContainerSupport = {
  isRemapped: false,
  remappedRoot: null,
  isRootless: false,
  supportedLimits: allLimits,
  platform: null,
};

/** From the kernel's names to those of images. */
const architectures: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  aarch64: 'arm64',
  armv7l: 'arm',
  armv6l: 'arm',
  i686: '386',
};

export interface EngineQuestion {
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  /** Return what to do about an engine that does not answer. */
  readonly hint?: () => string;
}

/** Asks the engine who it is: the one question before anything is started. */
export async function engineInfo(
  docker: Docker,
  { timeout = 20_000, hint = () => '' }: EngineQuestion = {},
): Promise<EngineInfo> {
  const answer = await docker(['info', '--format={{json .}}'], { timeout }).catch(error => {
    throw unreachableError(`docker cannot be called: ${String(error.message)}`, bashHint());
  });
  const unreachable = (problem: string, fix: string) => unreachableError(problem, fix, answer);
  const parsed = answer.ok ? read(info, answer.stdout) : null;
  if (parsed && parsed.ServerVersion !== '') return engineOf(parsed);
  if (answer.ok && read(podmanInfo, answer.stdout) !== null)
    throw unreachable(podmanCommand.problem, podmanCommand.hint);
  if (onPath('docker', process.env) === null)
    throw unreachable('there is no docker command on PATH', 'install Docker first');
  if (answer.interrupted === 'timeout')
    throw unreachable(`the Docker engine does not answer within ${timeout / 1000} s`, hint());
  // As shells end what they cannot start: docker itself, or a script in its place.
  const isBroken = answer.exitCode === 126 || answer.exitCode === 127;
  const fix = isBroken
    ? 'see why with docker info: it must answer in the shell that runs agent-flow'
    : hint();
  throw unreachable(`could not reach the Docker engine: ${reasonOf(answer)}`, fix);
}

function unreachableError(problem: string, fix: string, answer?: DockerAnswer): DockerError {
  const { exitCode = null, stderr = '', interrupted = null } = answer ?? {};
  const message = fix === '' ? problem : `${problem}. ${capitalised(fix)}`;
  return new DockerError('unreachable', message, {
    ...{ command: 'docker info', exitCode, stderr, interrupted },
    inDoubt: false,
  });
}

/** `docker info` without an engine answers with the reason among its own facts, and with 0 or 1. */
function reasonOf({ stdout, stderr, exitCode }: DockerAnswer): string {
  const [reason] = read(errors, stdout)?.ServerErrors ?? [];
  const words = messageOf(reason ?? stderr).replace(/\. Is the docker daemon running\?$/, '');
  return words.replace(/\.$/, '') || unreadable(stdout, exitCode);
}

const bashHint = () =>
  onPath('bash', process.env) === null ? 'it is called through bash: install that' : '';

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
    ...containerSupportOf(facts),
  };
}

/** Something else than docker may have spoken, such as a script in its place. */
const unreadable = (stdout: string, exitCode: number | null) => {
  const end = exitCode === 0 || exitCode === null ? '' : `docker exited with ${exitCode}, and `;
  return stdout.trim() === ''
    ? `${end}it says nothing`
    : `${end}its answer cannot be read: ${oneLine(stdout).slice(0, 100)}`;
};

/** null: no facts of an engine, such as half of them. */
function read<T>(schema: z.ZodType<T>, stdout: string): T | null {
  try {
    return schema.safeParse(JSON.parse(stdout)).data ?? null;
  } catch {
    return null;
  }
}
