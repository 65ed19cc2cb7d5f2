import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import type { StepInput } from '../../machines/agent-types.ts';
import { StepError } from '../../machines/step-error.ts';
import { dockerError } from '../docker/classify-error.ts';
import { saveOutput } from '../docker/stream.ts';
import { isWithin } from '../spec/paths.ts';
import { makeDirectory, renameFile, statFile } from '../store/state-files.ts';
import { protectedTree } from '../workspace/check-tree.ts';
import { globs } from '../workspace/glob.ts';
import { tarEnd } from '../workspace/tar-writer.ts';
import { type ActorContext, owner } from './context.ts';
import { runHelperJob } from './helper-job.ts';
import { writableNow } from './make-clone.ts';
import { copiedFolder, mountedFolder, type TreePorts, type TreeSource, withClone } from './tree-source.ts';

export type ProtectPorts = TreePorts &
  Pick<ActorContext, 'plan' | 'folder' | 'originCommit' | 'writablePlaces' | 'livePlaces'>;

/** The protected files of an agent together. */
const limits = { maxBytes: 2 ** 30, maxEntries: 100_000 } as const;

const fileOf = ({ folder }: Pick<ProtectPorts, 'folder'>, agent: string) =>
  join(folder(agent, 1), 'protected.tar');

/**
 * Keep the files that the checks of an agent get as they are now. Call it before each container of the agent is created: they
 * are kept once, before the first. Those of a clone are in a commit.
 */
export async function keepProtected(
  context: ProtectPorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<void> {
  const { check, workspace } = context.plan(input.name);
  if (check === undefined || check.protect.length === 0) return;
  if (workspace.mode !== 'bind' && workspace.mode !== 'copy') return;
  const { path } = workspace;
  const isShared = writableNow(context).some(place => isWithin(path, place) || isWithin(place, path));
  // The docker client of a copy would follow a link that another agent makes meanwhile.
  const isMounted = workspace.mode === 'bind' || isShared;
  await keep(
    context,
    input,
    isMounted ? mountedFolder(path) : copiedFolder(context, input, path, signal),
    signal,
  );
}

/** Return how to read the protected files of an agent, as a tar stream. */
export async function protectedFiles(
  context: ProtectPorts,
  input: StepInput,
  signal: AbortSignal,
): Promise<() => AsyncIterable<Buffer>> {
  const { check, workspace } = context.plan(input.name);
  if (check === undefined || check.protect.length === 0) return emptyTree;
  const file = fileOf(context, input.name);
  if (workspace.mode === 'clone') {
    const base = context.originCommit(input.name);
    if ('problem' in base) throw new StepError('workspace', base.problem);
    if (!statFile(file))
      await withClone(context, input, base.commit, source => keep(context, input, source, signal), signal);
  }
  if (!statFile(file)) throw new StepError('workspace', `${file}, with its protected files, is missing`);
  return () => createReadStream(file);
}

async function* emptyTree(): AsyncGenerator<Buffer, void> {
  yield tarEnd();
}

async function keep(
  context: ProtectPorts,
  input: StepInput,
  source: TreeSource,
  signal: AbortSignal,
): Promise<void> {
  const file = fileOf(context, input.name);
  if (statFile(file)) return;
  makeDirectory(context.folder(input.name, 1));
  const aside = `${file}.making`;
  const protect = globs(context.plan(input.name).check!.protect);
  const timeout = 10 * 60_000;
  const options = { signal, scope: owner(input), timeout };
  const result = await runHelperJob(
    context,
    options.scope,
    {
      ...source,
      purpose: 'keep its protected files',
      timeout,
      hasReported: ({ exitCode }) => exitCode !== null && exitCode < 125,
      async attach(args) {
        await rm(aside, { force: true });
        const filter = Duplex.from((tree: AsyncIterable<Buffer>) => protectedTree(tree, { protect, limits }));
        return saveOutput(context.recorder, args, aside, { ...options, through: [filter] });
      },
    },
    signal,
  );
  signal.throwIfAborted();
  if (!result.ok) throw dockerError(result, { operation: 'keep its protected files' });
  renameFile(aside, file);
}
