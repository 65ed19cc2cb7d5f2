import type { DockerResult } from '../docker/cli.ts';
import type { CloneFiles, CollectRequest } from './clone-files.ts';
import { jobFailure } from './helper-job.ts';

export interface Collected {
  readonly commit: string | null;
  /** Some commits are not on the branch. */
  readonly hasRefs: boolean;
  /** The reason why something could not be collected; null if everything was. */
  readonly left: string | null;
}

/** Bundle the work in an agent's clone. */
export async function collectClone(
  files: Pick<CloneFiles, 'collect' | 'collectRepaired'>,
  request: CollectRequest,
  signal: AbortSignal,
): Promise<Collected> {
  const result = await files.collect(request, signal);
  const isDamaged = /^left damaged$/m.test(result.stdout);
  return readCollected(isDamaged ? await files.collectRepaired(request, signal) : result);
}

/** Parse the output of `agent-collect`. */
function readCollected(result: DockerResult): Collected {
  const commit = /^work ([0-9a-f]{40,64})$/m.exec(result.stdout)?.[1] ?? null;
  const hasRefs = /^refs \d+$/m.test(result.stdout);
  const isWhole = result.ok && (commit !== null || hasRefs || /^nothing$/m.test(result.stdout));
  return { commit, hasRefs, left: isWhole ? null : jobFailure(result) };
}
