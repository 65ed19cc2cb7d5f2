import { raceAbort } from '../async/race-abort.ts';

/** The end of a container. Times are milliseconds since the epoch. */
export interface ContainerEnd {
  /** null if Docker no longer knows the container. */
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  readonly reason: 'died' | 'removed';
  /** When it was noticed. */
  readonly at: number;
  /** By the engine's clock, where Docker reports it. */
  readonly finishedAt?: number;
}

/** The ends of a run's containers, and the waits for them. The first end of a container counts. */
export interface ContainerEnds {
  /** Resolves when the container has ended, or at once if it already has. */
  wait(id: string, signal: AbortSignal): Promise<ContainerEnd>;
  /** Return the ids of the containers with a wait. */
  awaited(): readonly string[];
  hasWaits(): boolean;
  /** Note that a process of the container was killed for its memory. */
  outOfMemory(id: string): void;
  died(id: string, exit: ContainerExit): void;
  /** A container without an end before its removal: its exit code is unknown. */
  removed(id: string): void;
}

interface ContainerExit {
  readonly exitCode: number;
  readonly finishedAt: number;
  readonly oomKilled?: boolean;
}

export function containerEnds(now: () => number): ContainerEnds {
  const waits = new Map<string, PromiseWithResolvers<ContainerEnd>>();
  // Kept, since a container may end before the wait for it begins.
  const ends = new Map<string, ContainerEnd>();
  const outOfMemory = new Set<string>();

  const settle = (id: string, end: ContainerEnd) => {
    if (!ends.has(id)) ends.set(id, end);
    waits.get(id)?.resolve(end);
    waits.delete(id);
  };

  return {
    wait(id, signal) {
      const end = ends.get(id);
      if (end) return Promise.resolve(end);
      const wait = waits.get(id) ?? Promise.withResolvers<ContainerEnd>();
      waits.set(id, wait);
      return raceAbort(wait.promise, signal);
    },
    awaited: () => [...waits.keys()],
    hasWaits: () => waits.size > 0,
    outOfMemory: id => void outOfMemory.add(id),
    died(id, { exitCode, finishedAt, oomKilled = false }) {
      const isOutOfMemory = oomKilled || outOfMemory.has(id);
      settle(id, { exitCode, oomKilled: isOutOfMemory, reason: 'died', at: now(), finishedAt });
    },
    removed(id) {
      settle(id, { exitCode: null, oomKilled: outOfMemory.has(id), reason: 'removed', at: now() });
    },
  };
}
