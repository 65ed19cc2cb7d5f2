import type { Docker } from '../../docker/cli.ts';
import { lines } from '../../docker/containers.ts';
import { EngineError } from '../../errors.ts';
import { oneLine } from '../../views/text.ts';

export const sharedNetwork = 'tmux-agents';

/** Ids of the networks of the shared one's name. */
export async function findNetworks(docker: Docker): Promise<string[]> {
  const args = ['network', 'ls', '--quiet', '--no-trunc', `--filter=name=^${sharedNetwork}$`];
  const found = await docker(args);
  if (!found.ok) throw new EngineError(`could not ask Docker for its networks: ${oneLine(found.stderr)}`);
  return lines(found.stdout).map(id => id.trim());
}

/** Null when it is gone, else why it is still there. */
export async function removeNetwork(docker: Docker, id: string): Promise<string | null> {
  const answer = await docker(['network', 'rm', id], { changes: true });
  return answer.ok || /no such network|not found/i.test(answer.stderr) ? null : oneLine(answer.stderr);
}
