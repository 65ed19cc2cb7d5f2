import type { EngineConnection } from '../../connection/engine-connection.ts';
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
  /** The run that it was created for; null if runs share it. */
  readonly runId: string | null;
  /** `shared` by all runs, or of one `run` of this state directory, on one engine or on the nodes of a Docker `swarm`. */
  readonly scope: 'shared' | 'run' | 'swarm';
}

/** Find the networks named `tmux-agents`. Docker allows several. */
export async function findSharedNetworks(docker: Docker): Promise<RemovableNetwork[]> {
  const args = ['network', 'ls', '--quiet', '--no-trunc', `--filter=name=^${sharedNetwork}$`];
  const found = await docker(args);
  if (!found.ok) throw new EngineError(`could not list networks: ${oneLine(found.stderr)}`);
  return lines(found.stdout)
    .map(id => id.trim())
    .map(id => ({ id, name: sharedNetwork, runId: null, about: id.slice(0, 12), scope: 'shared' }));
}

/** Find the networks that runs of this state directory left behind. Only a manager lists those of its Swarm. */
export async function findRunNetworks(
  { docker, engine }: Pick<EngineConnection, 'docker' | 'engine'>,
  state: StateDir,
  force: boolean,
): Promise<RemovableNetwork[]> {
  const { instance } = state;
  const drivers = engine.swarm?.isManager ? (['bridge', 'overlay'] as const) : (['bridge'] as const);
  const listed = Promise.all(drivers.map(driver => listRunNetworks(docker, driver, { instance })));
  const inspected = listed.then(ids => inspectNetworks(docker, ids.flat()));
  const found = await withEngineError(inspected, 'list networks');
  return found
    .filter(
      ({ labels }) => labels[label.instance] === instance && (force || !hasSupervisor(state, { labels })),
    )
    .map(({ id, name, driver, labels }) => ({
      id,
      name: oneLine(name),
      runId: labels[label.runId] ?? '',
      about: `run ${oneLine(labels[label.runId] ?? '')}`,
      scope: driver === 'overlay' ? 'swarm' : 'run',
    }));
}

/**
 * Remove a network. Return null, or the reason why it still exists. `others` are the other engines with containers that may be
 * on it.
 */
export async function removeNetwork(
  docker: Docker,
  { id, scope }: RemovableNetwork,
  others: readonly Docker[] = [],
): Promise<string | null> {
  if (scope !== 'shared') {
    const problem = await removeRunNetwork(docker, id, others);
    return problem && oneLine(problem.why);
  }
  const result = await docker(['network', 'rm', id], { isMutation: true });
  return result.ok || matchesMessage('noNetwork', result.stderr) ? null : oneLine(result.stderr);
}
