import { Duplex } from 'node:stream';
import type { StepInput } from '../../machines/agent-types.ts';
import { StepError } from '../../machines/step-error.ts';
import { dockerError } from '../docker/classify-error.ts';
import { pipeCommands } from '../docker/stream.ts';
import { checkTree, TreeTooLargeError } from '../workspace/check-tree.ts';
import { globs } from '../workspace/glob.ts';
import { type ActorContext, owner } from './context.ts';
import { runHelperJob } from './helper-job.ts';
import { type ProtectPorts, protectedFiles } from './protected-files.ts';
import { isLeft } from './save-work.ts';
import { copiedFolder, mountedFolder, type TreeSource, withClone } from './tree-source.ts';

export type CheckWorkPorts = ProtectPorts & Pick<ActorContext, 'savedWork' | 'startCommit'>;

const timeoutMs = 20 * 60_000;
/** An agent may fill its disk. */
const limits = { maxBytes: 4 * 2 ** 30, maxEntries: 500_000 } as const;

/**
 * Copy the saved work of an attempt into the container of its check, with the protected files as they were at the start of the
 * agent. It is read by a helper container, passes through this process, and is written by docker.
 */
export async function fillCheck(
  context: CheckWorkPorts,
  input: StepInput,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const start = await protectedFiles(context, input, signal);
  const fill = (source: TreeSource) => pipeTree(context, input, { source, start, id }, signal);
  const { workspace } = context.plan(input.name);
  if (workspace.mode === 'bind') await fill(mountedFolder(workspace.path));
  else if (workspace.mode === 'clone')
    await withClone(context, input, savedCommit(context, input), fill, signal);
  else await fill(copiedFolder(context, input, savedCopy(context, input), signal));
}

/** Return the commit with the work of an attempt; that which it started from, if it changed nothing. */
function savedCommit(context: CheckWorkPorts, { name, attempt }: StepInput): string {
  const saved = context.savedWork(name, attempt);
  if (saved === null || (isLeft(saved.workspace) && !saved.workspace?.commit)) throw notSaved();
  const { commit = null } = saved.workspace ?? {};
  if (commit !== null) return commit;
  const base = context.startCommit(name, attempt);
  if ('problem' in base) throw new StepError('workspace', base.problem);
  return base.commit;
}

function savedCopy(context: CheckWorkPorts, { name, attempt }: StepInput): string {
  const path = context.savedWork(name, attempt)?.workspace?.path ?? null;
  // An incomplete copy has another name.
  if (path === null || path.endsWith('.making')) throw notSaved();
  return path;
}

const notSaved = () => new StepError('workspace', 'its work could not be saved as a whole');

async function pipeTree(
  context: CheckWorkPorts,
  input: StepInput,
  { source, start, id }: { source: TreeSource; start: () => AsyncIterable<Buffer>; id: string },
  signal: AbortSignal,
): Promise<void> {
  const protect = globs(context.plan(input.name).check!.protect);
  const options = { signal, scope: owner(input), timeout: timeoutMs };
  let tooLarge: TreeTooLargeError | null = null;
  async function* filtered(work: AsyncIterable<Buffer>) {
    try {
      yield* checkTree(work, { root: 'workspace', protect, start, limits });
    } catch (error) {
      if (error instanceof TreeTooLargeError) tooLarge = error;
      throw error;
    }
  }
  const result = await runHelperJob(
    context,
    options.scope,
    {
      ...source,
      purpose: 'copy its work into the container of the check',
      timeout: timeoutMs,
      hasReported: ({ exitCode }) => tooLarge !== null || (exitCode !== null && exitCode < 125),
      attach: args =>
        pipeCommands(context.recorder, args, ['cp', '-', `${id}:/`], {
          ...options,
          through: [Duplex.from(filtered)],
        }),
    },
    signal,
  );
  signal.throwIfAborted();
  if (tooLarge !== null)
    throw new StepError('workspace', `its work is too large for a check: ${(tooLarge as Error).message}`);
  if (!result.ok) throw dockerError(result, { operation: 'copy its work into the container of the check' });
}
