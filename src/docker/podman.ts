import type { Docker } from './cli.ts';

/**
 * A docker whose engine is Podman. Podman writes the fields of a mount as one text and splits that text at its commas, so
 * that a path with one in it would add options: such a call is refused before it is made.
 */
export const podmanCli =
  (docker: Docker): Docker =>
  async (args, options) => {
    const mount = args.find(isSplit);
    if (mount === undefined) return docker(args, options);
    const stderr = `Podman cannot mount a path with a comma, a quote or a line break in it: ${mount}`;
    return { args, ok: false, exitCode: 125, stdout: '', stderr, interrupted: null };
  };

/** Whether Podman reads the path of a mount otherwise than it is meant. */
export const isMountable = (path: string): boolean => !/[",\r\n]/.test(path);

/** A field of a mount is quoted where it holds what a path must not. */
const isSplit = (arg: string) => arg.startsWith('--mount=') && arg.includes('"');
