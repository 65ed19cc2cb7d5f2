import type { DockerResult } from '../docker/cli.ts';
import type { SavedWorkspace } from './context.ts';
import type { WorkRefs } from './workspace.ts';

/** Request to collect the work in a clone: the refs to save its commits to, and where it began. */
export interface CollectRequest extends WorkRefs {
  /** The commit that the clone started from. */
  readonly base: string;
}

/** Work that was collected, and the repository that it is for. */
export interface Delivery extends WorkRefs {
  /** The root of the work tree of the repository. */
  readonly root: string;
  /** null if there are only other refs. */
  readonly commit: string | null;
  /** The commit that the clone started from. */
  readonly base: string;
}

/** The clone of one attempt: a folder of this machine, or a volume of an engine that has other files. */
export interface CloneFiles {
  /** For messages. */
  readonly place: string;
  /** The part of a result that names a clone which is left. */
  readonly left: Pick<SavedWorkspace, 'path' | 'volume'>;
  /** The folder of this machine that gets `diff.patch`. */
  readonly out: string;
  /** Bundle the work. */
  collect(request: CollectRequest, signal: AbortSignal): Promise<DockerResult>;
  /** Bundle it with the git directory of a new clone, since that of this one is damaged. */
  collectRepaired(request: CollectRequest, signal: AbortSignal): Promise<DockerResult>;
  /** Save what was collected to refs of the repository. Resolves with the problem, or null. */
  deliver(work: Delivery, signal: AbortSignal): Promise<string | null>;
  /** Remove what is no longer needed when the work is safe. */
  clear(signal: AbortSignal): Promise<void>;
}
