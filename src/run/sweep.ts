import { quietCheckIntervalMs, untilQuiet } from '../agent-container/quiet-checks.ts';
import type { Docker } from '../docker/cli.ts';
import { containers } from '../docker/containers.ts';
import { labelFilter } from '../docker/labels.ts';
import { listRunNetworks, removeRunNetwork } from '../networks/run-networks.ts';

export interface Swept {
  readonly instance: string;
  readonly runId: string;
  /** Ids of containers that stay; so do the networks they are on. */
  readonly kept: ReadonlySet<string>;
  /** Whether it may have networks of its own. */
  readonly hasNetworks: boolean;
  /** A call was cut off, by us or by a crash: what it asked for may still land. */
  readonly isUncertain: boolean;
  readonly sleep: (ms: number) => Promise<void>;
}

const maxLooks = 20;

/** Removes what a run has left in Docker and is not meant to be kept. Returns the ids it could not remove. */
export async function sweep(docker: Docker, swept: Swept): Promise<string[]> {
  let look = await sweepOnce(docker, swept);
  if (!swept.isUncertain) return look.left;
  await swept.sleep(quietCheckIntervalMs);
  const lookAgain = async () => {
    look = await sweepOnce(docker, swept);
    return look.found;
  };
  await untilQuiet(lookAgain, { sleep: swept.sleep, maxChecks: maxLooks - 1 });
  return look.left;
}

async function sweepOnce(docker: Docker, { instance, runId, kept, hasNetworks }: Swept) {
  const known = containers(docker);
  // A passing failure of the last look must not make a run that is over a failed one.
  const look = () =>
    known.list([labelFilter.managed, labelFilter.instance(instance), labelFilter.run(runId)]);
  const found = (await look().catch(look).catch(look)).filter(({ id }) => !kept.has(id));
  const left: string[] = [];
  for (const { id } of found) {
    const answer = await known.remove(id);
    if (!answer.ok) left.push(id);
  }
  if (!hasNetworks) return { found: found.length, left };

  const lookForNetworks = () => listRunNetworks(docker, instance, runId);
  let stay = 0;
  const networks = await lookForNetworks().catch(lookForNetworks).catch(lookForNetworks);
  for (const id of networks) {
    const problem = await removeRunNetwork(docker, id);
    // What is kept for a look is to start again, which it cannot without its network.
    if (problem && problem.users.length > 0 && problem.users.every(user => kept.has(user))) stay++;
    else if (problem) left.push(id);
  }
  return { found: found.length + networks.length - stay, left };
}
