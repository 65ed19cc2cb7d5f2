import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { HelperMount } from '../agent-container/helper.ts';
import type { CallScope } from '../docker/recorder.ts';
import { isWithin } from '../spec/paths.ts';
import { makeDirectory } from '../store/state-files.ts';
import { findRepository, type Repository, readSmallFile, repositoryRoots } from '../workspace/repository.ts';
import type { ActorContext } from './context.ts';
import {
  type HelperCommand,
  type HelperPorts,
  hasReported,
  hostUser,
  jobFailure,
  runHelperJob,
} from './helper-job.ts';

type ClonePorts = HelperPorts &
  Pick<ActorContext, 'gitSetting' | 'markUsed' | 'writablePlaces' | 'livePlaces' | 'emit'>;

/** The source and the target of an agent's own clone. */
export interface CloneRequest {
  /** The root of the work tree that is cloned. */
  readonly repository: string;
  readonly commit: string;
  readonly branch: string;
  /** Path of the clone to make, or the name of the volume for it. */
  readonly target: string;
}

/** Long enough for a large repository. */
const timeoutMs = 20 * 60_000;
const making = '.making-';
/** Fits easily on a command line. */
const maxIgnoreBytes = 16_384;

/**
 * Make the clone in a helper container, or find the one that an earlier try has made. A partial one never exists under
 * its name. Resolves with the reason if it cannot be made, else with null.
 */
export async function makeClone(
  context: ClonePorts,
  owner: CallScope,
  request: CloneRequest,
  signal: AbortSignal,
): Promise<string | null> {
  const { target, repository: root } = request;
  if (existsSync(target)) return null;
  const repository = findRepository(root);
  if ('problem' in repository) return repository.problem;
  makeDirectory(dirname(target));
  const aside = `${target}${making}${process.pid}`;
  const isFirst = context.markUsed(root);
  const job = cloneJob(context, request, repository, aside, {
    name: (await context.gitSetting('user.name')) ?? 'agent-flow',
    email: (await context.gitSetting('user.email')) ?? 'agent-flow@agents.invalid',
    ignored: isFirst ? await globalIgnorePatterns(context) : '-',
  });
  const result = await runHelperJob(
    context,
    owner,
    {
      ...job,
      purpose: 'make its clone',
      timeout: timeoutMs,
      hasReported: hasReported(/^cloned$/m),
      async prepare() {
        await removePartial(target);
        await mkdir(aside, { mode: 0o700 });
      },
    },
    signal,
  );
  signal.throwIfAborted();
  if (!result.ok || !/^cloned$/m.test(result.stdout)) return jobFailure(result);
  for (const message of sourceWarnings(root, result.stdout))
    await context.emit({ type: 'warning', agent: null, message });
  await rename(aside, target);
  return null;
}

/** Return warnings for a repository whose clones differ from its work tree. */
function sourceWarnings(root: string, stdout: string): string[] {
  const dirty = /^dirty$/m.test(stdout)
    ? [`${root} has changes that are not committed: they are not in the clones`]
    : [];
  const filtered = [...stdout.matchAll(/^filter (\S+) (\d+) (.+)$/gm)].map(([, filter, count, path]) => {
    const files = count === '1' ? `the file ${path} has` : `${count} files, such as ${path}, have`;
    return `in ${root}, ${files} the filter ${filter}, which is not run: the clones have the committed content, such as pointers of git-lfs`;
  });
  return [...dirty, ...filtered];
}

interface CloneDefaults {
  readonly name: string;
  readonly email: string;
  /** Ignore patterns of the user; `-`: do not look for uncommitted changes. */
  readonly ignored: string;
}

export function cloneJob(
  context: Pick<ActorContext, 'engine' | 'writablePlaces' | 'livePlaces'>,
  { commit, branch }: CloneRequest,
  repository: Repository,
  target: string,
  { name, email, ignored }: CloneDefaults,
): HelperCommand {
  const { root, gitDir, commonDir } = repository;
  return {
    command: 'agent-clone',
    args: [root, gitDir, commonDir, commit, branch, name, email, ignored],
    mounts: [
      ...onHost(repository, writableNow(context)),
      { source: target, target: '/clone', isWritable: true },
    ],
    ...hostUser(context),
  };
}

/** Return the command that checks whether a partial clone lacks objects of a commit, its branches or tags. */
export const checkJob = (
  context: Pick<ActorContext, 'engine' | 'writablePlaces' | 'livePlaces'>,
  repository: Repository,
  commit: string,
): HelperCommand => ({
  command: 'agent-clone',
  args: [repository.root, repository.gitDir, repository.commonDir, commit],
  mounts: onHost(repository, writableNow(context)),
  ...hostUser(context),
});

/** Return the paths that any agent can write at this moment. */
export const writableNow = (context: Pick<ActorContext, 'writablePlaces' | 'livePlaces'>) => [
  ...context.writablePlaces,
  ...context.livePlaces(),
];

/** Mount a repository in a helper below /host, at its paths on the host, so that its own links stay valid. */
export const onHost = (
  repository: Repository,
  writable: readonly string[],
  isWritable = false,
): HelperMount[] =>
  repositoryRoots(repository, writable).map(source => ({ source, target: `/host${source}`, isWritable }));

async function removePartial(target: string): Promise<void> {
  for (const name of await readdir(dirname(target)))
    if (name.startsWith(`${basename(target)}${making}`))
      await rm(join(dirname(target), name), { recursive: true, force: true });
}

/** Return the patterns that the user's git ignores everywhere; without them such files would count as changes. */
async function globalIgnorePatterns({ gitSetting, writablePlaces }: ClonePorts): Promise<string> {
  const set = await gitSetting('core.excludesFile');
  const config = process.env.XDG_CONFIG_HOME || join(homedir(), '.config');
  const file = set === null ? join(config, 'git', 'ignore') : resolve(homedir(), set.replace(/^~\//, ''));
  // A file that an agent can write could be a link to any file.
  if (writablePlaces.some(place => isWithin(file, place))) return '';
  return readSmallFile(file, maxIgnoreBytes)?.replaceAll('\0', '') ?? '';
}
