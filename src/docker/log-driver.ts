import type { Docker, DockerOptions, DockerResult } from './cli.ts';
import { matchesMessage } from './messages.ts';

const driver = '--log-driver=json-file';

/** Keep every line, whatever the engine's default: a "non-blocking" log drops what its buffer cannot hold. */
export const wholeOutput = [driver, '--log-opt=mode=blocking'] as const;

/**
 * Create a container with `wholeOutput`. The engine adds its own log options to a container with its default driver, and
 * refuses "mode=blocking" beside a "max-buffer-size". The driver `local` keeps as much, and gets no options added.
 */
export async function createWithLog(
  docker: Docker,
  args: readonly string[],
  options: DockerOptions,
): Promise<DockerResult> {
  const result = await docker(args, options);
  if (result.ok || !matchesMessage('logOptions', result.stderr)) return result;
  return docker(
    args.map(arg => (arg === driver ? '--log-driver=local' : arg)),
    options,
  );
}
