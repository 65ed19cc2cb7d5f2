import { dockerError, unreadableOutput } from './classify-error.ts';
import type { Docker, DockerOptions } from './cli.ts';
import { createWithLog } from './log-driver.ts';
import { matchesMessage } from './messages.ts';

/** Create a container by the arguments of a `docker create`. Returns its full id; null if its name is taken. */
export async function createNamedContainer(
  docker: Docker,
  args: readonly string[],
  { operation, ...options }: DockerOptions & { readonly operation: string },
): Promise<string | null> {
  const result = await createWithLog(docker, args, { timeout: 120_000, isMutation: true, ...options });
  const id = result.stdout.trim();
  // Docker accepts an id prefix, so a truncated id would match other containers: only full ids are stored (I3).
  if (result.ok && /^[0-9a-f]{64}$/.test(id)) return id;
  if (result.ok) throw unreadableOutput(result, operation);
  if (matchesMessage('nameTaken', result.stderr)) return null;
  throw dockerError(result, { operation });
}
