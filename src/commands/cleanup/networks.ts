import { withEngineError } from '../../connection/engine-error.ts';
import type { Docker } from '../../docker/cli.ts';
import { lines } from '../../docker/containers.ts';
import { matchesMessage } from '../../docker/errors.ts';
import { label } from '../../docker/labels.ts';
import { inspectNetworks } from '../../docker/networks.ts';
import { EngineError } from '../../errors.ts';
import { listRunNetworks, removeRunNetwork } from '../../networks/run-networks.ts';
import { hasActiveEngine } from '../../recovery/active-engine.ts';
import type { StateDir } from '../../store/state-directory.ts';
import { oneLine } from '../../text/text.ts';

const sharedNetwork = 'tmux-agents';

export interface DoomedNetwork {
  readonly id: string;
  readonly name: string;
  readonly about: string;
  /** Made for a run of this state directory, and for it alone. */
  readonly isRunsOwn: boolean;
}

/** The networks of the shared one's name. */
export async function findSharedNetworks(docker: Docker): Promise<DoomedNetwork[]> {
  const args = ['network', 'ls', '--quiet', '--no-trunc', `--filter=name=^${sharedNetwork}$`];
  const found = await docker(args);
  if (!found.ok) throw new EngineError(`could not ask Docker for its networks: ${oneLine(found.stderr)}`);
  return lines(found.stdout)
    .map(id => id.trim())
    .map(id => ({ id, name: sharedNetwork, about: id.slice(0, 12), isRunsOwn: false }));
}

/** Those that runs of this state directory have left behind. */
export async function findRunNetworks(
  docker: Docker,
  state: StateDir,
  force: boolean,
): Promise<DoomedNetwork[]> {
  const asked = listRunNetworks(docker, state.instance).then(ids => inspectNetworks(docker, ids));
  const found = await withEngineError(asked, 'ask Docker for its networks');
  return found
    .filter(
      ({ labels }) =>
        labels[label.instance] === state.instance && (force || !hasActiveEngine(state, { labels })),
    )
    .map(({ id, name, labels }) => ({
      id,
      name: oneLine(name),
      about: `run ${oneLine(labels[label.runId] ?? '')}`,
      isRunsOwn: true,
    }));
}

/** Null when it is gone, else why it is still there. */
export async function removeNetwork(
  docker: Docker,
  { id, isRunsOwn }: DoomedNetwork,
): Promise<string | null> {
  if (isRunsOwn) {
    const problem = await removeRunNetwork(docker, id);
    return problem && oneLine(problem.why);
  }
  const answer = await docker(['network', 'rm', id], { changes: true });
  return answer.ok || matchesMessage('noNetwork', answer.stderr) ? null : oneLine(answer.stderr);
}
