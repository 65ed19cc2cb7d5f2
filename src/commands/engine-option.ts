import { UsageError } from '../errors.ts';

/** The `--new-engine` option of the commands that resume a run. */
export const newEngineOption = {
  type: 'boolean',
  default: false,
  describe: 'Continue on the current Docker engine; the old one is lost',
} as const;

/** The `--swarm` option of the commands that act on a Docker Swarm. */
export const managerOption = {
  type: 'string',
  requiresArg: true,
  describe: 'Docker context of a manager of the Swarm',
} as const;

/** Return the docker context of the manager; null for that of the current engine. */
export function managerContext(swarm: string | undefined): string | null {
  if (swarm === '') throw new UsageError('--swarm needs a name: docker context ls lists them');
  return swarm ?? null;
}
