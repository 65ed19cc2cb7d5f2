import type { Docker, DockerResult } from './cli.ts';
import { lines } from './parse-output.ts';

/** The containers that a docker has created and not removed, by its own results. */
export interface ContainerLedger {
  /** The docker whose calls are recorded. */
  readonly docker: Docker;
  /**
   * Return whether docker has reported the id of every container that it was to create, and the removal of each but the
   * kept ones. Then a list of the containers can find no other.
   */
  isSettled(kept: ReadonlySet<string>): boolean;
}

/** Record the containers that a docker creates and removes. */
export function containerLedger(docker: Docker): ContainerLedger {
  const existing = new Set<string>();
  /** Creates that have not ended, or whose effect is unknown. */
  let inDoubt = 0;

  const create = async (call: Promise<DockerResult>) => {
    inDoubt++;
    const result = await call;
    const id = result.stdout.trim();
    if (!result.ok || !/^[0-9a-f]{64}$/.test(id)) return result;
    existing.add(id);
    inDoubt--;
    return result;
  };
  const remove = async (ids: readonly string[], call: Promise<DockerResult>) => {
    const result = await call;
    // Docker prints each container that it has removed: an exit code of 0 alone may be that of a wrapper script.
    const removed = result.ok ? lines(result.stdout) : [];
    for (const id of ids)
      if (removed.includes(id)) existing.delete(id);
      else existing.add(id);
    return result;
  };

  return {
    docker(args, options) {
      const call = docker(args, options);
      if (args[0] === 'create') return create(call);
      if (args[0] === 'rm') return remove(args.slice(1).filter(isId), call);
      // The container of `run` has no id here.
      if (args[0] === 'run') inDoubt++;
      return call;
    },
    isSettled: kept => inDoubt === 0 && [...existing].every(id => kept.has(id)),
  };
}

const isId = (arg: string) => !arg.startsWith('-');
