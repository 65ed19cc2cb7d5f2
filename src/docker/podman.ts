import type { Docker } from './cli.ts';

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
