import * as z from 'zod';
import { StepError } from '../../machines/step-error.ts';
import type { Docker } from './cli.ts';
import { dockerError } from './errors.ts';

const info = z.object({
  ServerVersion: z.string(),
  NCPU: z.number(),
  MemTotal: z.number(),
  DockerRootDir: z.string().optional(),
  SecurityOptions: z.array(z.string()).nullish(),
  Plugins: z.object({ Log: z.array(z.string()).nullish() }).nullish(),
});

export interface EngineInfo {
  readonly version: string;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  /** Where it keeps images and containers; null where it does not say. */
  readonly rootDir: string | null;
  /** Users of containers are others on the host: `userns-remap`. */
  readonly isRemapped: boolean;
  /** Root in a container is the engine's own user on the host. */
  readonly isRootless: boolean;
  /** Podman, through its docker-compatible socket. */
  readonly isPodman: boolean;
}

/** Tell Podman from Docker by `docker info`, which names neither: only Podman has the log driver `k8s-file`. */
export const isPodman = ({ Plugins }: Pick<z.output<typeof info>, 'Plugins'>): boolean =>
  Plugins?.Log?.includes('k8s-file') ?? false;

/** Podman's own command prints other facts than docker does, also where it is called docker (package podman-docker). */
const isPodmanCommand = (stdout: string) => /"buildahVersion"/.test(stdout);
const podmanCommand =
  'the docker command is Podman under another name, which prints other facts than docker. Install the docker client (package docker-ce-cli, or docker.io of Debian), and set DOCKER_HOST to the socket of Podman';

/** Asks the engine who it is: the one question before anything is started. */
export async function engineInfo(docker: Docker, now: () => number, timeout = 20_000): Promise<EngineInfo> {
  const answer = await docker(['info', '--format={{json .}}'], { timeout }).catch(error => {
    const message = `docker cannot be called: ${String(error.message)}. It is called through bash: is that on PATH?`;
    throw new StepError('unreachable', message, { at: now() });
  });
  const parsed = answer.ok ? read(answer.stdout) : null;
  if (parsed && parsed.ServerVersion !== '') {
    const { ServerVersion, NCPU, MemTotal, DockerRootDir, SecurityOptions } = parsed;
    return {
      version: ServerVersion,
      cpus: NCPU,
      memory: MemTotal,
      rootDir: DockerRootDir || null,
      isRemapped: SecurityOptions?.some(option => /^name=userns\b/.test(option)) ?? false,
      isRootless: SecurityOptions?.some(option => /^name=rootless\b/.test(option)) ?? false,
      isPodman: isPodman(parsed),
    };
  }
  if (answer.ok && isPodmanCommand(answer.stdout))
    throw new StepError('unreachable', podmanCommand, { at: now() });
  if (answer.cutOff === 'timeout') {
    const message = `the Docker engine does not answer within ${timeout / 1000} s. Look at its log, or restart it`;
    throw new StepError('unreachable', message, { at: now() });
  }
  if (/ENOENT|not found|exit code: 127/i.test(answer.stderr) || answer.exitCode === 127)
    throw new StepError('unreachable', 'there is no docker command on PATH. Install Docker first', {
      at: now(),
    });
  // `docker info` without an engine answers 0 with the reason among its own facts, or 1.
  const reason = /"ServerErrors":\["([^"]*)/.exec(answer.stdout)?.[1];
  const failed = dockerError(
    { ...answer, ok: false, stdout: '', stderr: reason ?? (answer.stderr || 'its answer cannot be read') },
    { doing: 'reach the Docker engine', at: now(), otherwise: 'unreachable' },
  );
  throw new StepError(
    'unreachable',
    `${failed.message.replace(/\. Is the docker daemon running\?$/i, '').replace(/\.$/, '')}. Start it, for example with scripts/docker-engine`,
    {
      at: now(),
    },
  );
}

/** null: no facts of an engine, such as half of them. */
function read(stdout: string) {
  try {
    return info.safeParse(JSON.parse(stdout)).data ?? null;
  } catch {
    return null;
  }
}
