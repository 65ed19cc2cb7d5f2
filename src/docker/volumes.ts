import * as z from 'zod';
import { dockerError } from './classify-error.ts';
import type { Docker, DockerOptions } from './cli.ts';
import { labelFlags } from './labels.ts';
import { matchesMessage } from './messages.ts';
import { lines, parseOutput, readCommandError } from './parse-output.ts';

const inspected = z
  .object({ Name: z.string(), Labels: z.record(z.string(), z.string()).nullish() })
  .transform(({ Name, Labels }) => ({ name: Name, labels: Labels ?? {} }));

export type FoundVolume = z.output<typeof inspected>;

type VolumeOptions = Pick<DockerOptions, 'signal' | 'scope'>;

const timeout = 30_000;

/** Create a volume of the local driver. Succeeds if one of this name exists, which keeps its own labels. */
export async function createVolume(
  docker: Docker,
  name: string,
  labels: Readonly<Record<string, string>>,
  options: VolumeOptions = {},
): Promise<void> {
  const args = ['volume', 'create', ...labelFlags(labels), '--', name];
  const result = await docker(args, { ...options, timeout, isMutation: true });
  if (!result.ok) throw dockerError(result, { operation: `create the volume ${name}` });
}

/** Remove a volume. Resolves with false if a container uses it; one that does not exist counts as removed. */
export async function removeVolume(
  docker: Docker,
  name: string,
  options: VolumeOptions = {},
): Promise<boolean> {
  const result = await docker(['volume', 'rm', '--', name], { ...options, timeout, isMutation: true });
  if (result.ok || matchesMessage('noVolume', result.stderr)) return true;
  if (matchesMessage('volumeBusy', result.stderr)) return false;
  throw dockerError(result, { operation: `remove the volume ${name}` });
}

/** Return the names of the volumes that match all filters, such as `label=tmux-agents=true`. */
export async function listVolumes(
  docker: Docker,
  filters: readonly string[],
  options: VolumeOptions = {},
): Promise<string[]> {
  const args = ['volume', 'ls', '--quiet', ...filters.map(filter => `--filter=${filter}`)];
  const result = await docker(args, { ...options, timeout });
  if (!result.ok) throw dockerError(result, { operation: 'list volumes' });
  return lines(result.stdout).map(name => name.trim());
}

/** Return the volumes of these names that exist. */
export async function inspectVolumes(
  docker: Docker,
  names: readonly string[],
  options: VolumeOptions = {},
): Promise<FoundVolume[]> {
  if (names.length === 0) return [];
  const result = await docker(['volume', 'inspect', '--', ...names], { ...options, timeout });
  if (!result.ok && !matchesMessage('noVolume', result.stderr)) throw readCommandError(result);
  return parseOutput(result, stdout => z.array(inspected).parse(JSON.parse(stdout || '[]')));
}
