import { withEngineError } from '../../connection/engine-error.ts';
import type { Docker } from '../../docker/cli.ts';
import { label } from '../../docker/labels.ts';
import { matchesMessage } from '../../docker/messages.ts';
import { inspectNetworks } from '../../docker/networks.ts';
import { lines } from '../../docker/parse-output.ts';
import { EngineError } from '../../errors.ts';
import { listRunNetworks, removeRunNetwork } from '../../networks/run-networks.ts';
import { hasSupervisor } from '../../recovery/has-supervisor.ts';
import type { StateDir } from '../../store/state-directory.ts';
import { oneLine } from '../../text/text.ts';

const sharedNetwork = 'tmux-agents';

export interface RemovableNetwork {
  readonly id: string;
  readonly name: string;
  readonly about: string;
  /** True for a network that was created for one run of this state directory. */
  readonly isRunsOwn: boolean;
}

/** Find the networks named `tmux-agents`. Docker allows several. */
export async function findSharedNetworks(docker: Docker): Promise<RemovableNetwork[]> {
  const args = ['network', 'ls', '--quiet', '--no-trunc', `--filter=name=^${sharedNetwork}$`];
  const found = await docker(args);
  if (!found.ok) throw new EngineError(`could not list networks: ${oneLine(found.stderr)}`);
  return lines(found.stdout)
    .map(id => id.trim())
    .map(id => ({ id, name: sharedNetwork, about: id.slice(0, 12), isRunsOwn: false }));
}

/** Find the networks that runs of this state directory left behind. */
export async function findRunNetworks(
  docker: Docker,
  state: StateDir,
  force: boolean,
): Promise<RemovableNetwork[]> {
  const inspected = listRunNetworks(docker, state.instance).then(ids => inspectNetworks(docker, ids));
  const found = await withEngineError(inspected, 'list networks');
  return found
    .filter(
      ({ labels }) =>
        labels[label.instance] === state.instance && (force || !hasSupervisor(state, { labels })),
    )
    .map(({ id, name, labels }) => ({
      id,
      name: oneLine(name),
      about: `run ${oneLine(labels[label.runId] ?? '')}`,
      isRunsOwn: true,
    }));
}

/** Remove a network. Return null, or the reason why it still exists. */
export async function removeNetwork(
  docker: Docker,
  { id, isRunsOwn }: RemovableNetwork,
): Promise<string | null> {
  if (isRunsOwn) {
    const problem = await removeRunNetwork(docker, id);
    return problem && oneLine(problem.why);
  }
  const result = await docker(['network', 'rm', id], { isMutation: true });
  return result.ok || matchesMessage('noNetwork', result.stderr) ? null : oneLine(result.stderr);
}
