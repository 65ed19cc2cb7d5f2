import * as z from 'zod';
import type { Docker } from './cli.ts';

/** The plugins in `docker info`. */
interface EnginePlugins {
  readonly Plugins?: { readonly Log?: readonly string[] | null | undefined } | null | undefined;
}

/** Detect Podman. `docker info` does not name the engine, but only Podman has the log driver `k8s-file`. */
export const isPodman = ({ Plugins }: EnginePlugins): boolean => Plugins?.Log?.includes('k8s-file') ?? false;

/** Podman's own command prints other facts than docker, also under the name docker (package podman-docker). */
export const podmanInfo = z.object({ host: z.object({ buildahVersion: z.string() }) });
export const podmanCommandProblem = {
  problem: 'the docker command is Podman under another name, which prints other facts than docker',
  hint: 'install the docker client (package docker-ce-cli, or docker.io of Debian), and set DOCKER_HOST to the socket of Podman',
} as const;

/**
 * Wrap the docker command for a Podman engine. Podman writes the fields of a mount as one text and splits it at commas, so a
 * path with a comma would add options: such a call is refused before it is made.
 */
export const refusingSplitMounts =
  (docker: Docker): Docker =>
  async (args, options) => {
    const mount = args.find(isSplit);
    if (mount === undefined) return docker(args, options);
    const stderr = `Podman cannot mount a path with a comma, a quote or a line break in it: ${mount}`;
    return { args, ok: false, exitCode: 125, stdout: '', stderr, interrupted: null };
  };

/** Return whether Podman takes the path of a mount literally. */
export const isMountable = (path: string): boolean => !/[",\r\n]/.test(path);

/** `mountFlag` quotes exactly the fields with such characters. */
const isSplit = (arg: string) => arg.startsWith('--mount=') && arg.includes('"');
