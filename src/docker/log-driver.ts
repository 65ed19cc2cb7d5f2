import type { Docker, DockerAnswer, DockerOptions } from './cli.ts';
import { matchesMessage } from './errors.ts';

const driver = '--log-driver=json-file';

/** Keep every line, whatever the engine's default: a log that is "non-blocking" drops what it has no room for. */
export const wholeOutput = [driver, '--log-opt=mode=blocking'] as const;

/**
 * Create a container with `wholeOutput`. To a container with its default driver the engine adds its own log options, and it
 * refuses "mode=blocking" beside a "max-buffer-size". The driver `local` keeps as much, and none are added to it.
 */
export async function createWithLog(
  docker: Docker,
  args: readonly string[],
  options: DockerOptions,
): Promise<DockerAnswer> {
  const answer = await docker(args, options);
  if (answer.ok || !matchesMessage('logOptions', answer.stderr)) return answer;
  return docker(
    args.map(arg => (arg === driver ? '--log-driver=local' : arg)),
    options,
  );
}
