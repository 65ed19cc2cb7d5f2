import { chmod, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CloneError } from './clone-error.ts';
import type { Git, GitAnswer } from './git.ts';
import { surroundingsOf } from './source.ts';
import { cloneSubmodules } from './submodules.ts';

/** What an agent's own clone is made of. */
export interface CloneWish {
  readonly repository: string;
  readonly commit: string;
  readonly branch: string;
  /** Where it is to be. */
  readonly target: string;
}

/** Cloning a large repository takes its time. Milliseconds. */
const patience = 20 * 60_000;

/** Makes the clone, or finds the one that an earlier try has made. Half of one is never there: it is made aside. */
export async function ensureClone(git: Git, wish: CloneWish, signal: AbortSignal): Promise<void> {
  const { repository, commit, branch, target } = wish;
  if (await isThere(target)) return;
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  await removeHalfMade(target);
  // A git that outlived its engine may still write to the one before.
  const aside = `${target}${making}${process.pid}`;
  const around = await surroundingsOf(git, repository);
  const done = async (what: string, answer: Promise<GitAnswer>) => {
    const { ok, said } = await answer;
    signal.throwIfAborted();
    if (!ok) throw new CloneError(`could not ${what} ${repository}: ${said}`);
  };
  const inside = (...args: string[]) => git(args, { cwd: aside, signal, timeout: patience, plain: true });

  await mkdir(aside, { mode: 0o700 });
  await done(
    'make a clone of',
    inside('init', '--quiet', '--template=', `--object-format=${around.objectFormat}`),
  );
  // Through git's own transport: a hard link to an object of the user's would be theirs for root to write through.
  await done(
    'clone',
    git(
      [
        // What the user has in their repository is theirs to judge.
        '-c',
        'fetch.fsckObjects=false',
        'fetch',
        '--quiet',
        '--no-write-fetch-head',
        // A commit that no branch holds any more is what an earlier attempt began with.
        '--upload-pack=git -c uploadpack.allowAnySHA1InWant=true upload-pack',
        '--update-shallow',
        repository,
        `${commit}:refs/heads/${branch}`,
        '+refs/heads/*:refs/remotes/origin/*',
        '+refs/tags/*:refs/tags/*',
      ],
      { cwd: aside, signal, timeout: patience },
    ),
  );
  const settings = {
    'user.name': around.name,
    'user.email': around.email,
    ...(around.upstream === null
      ? {}
      : {
          'remote.origin.url': around.upstream,
          'remote.origin.fetch': '+refs/heads/*:refs/remotes/origin/*',
        }),
  };
  for (const [key, value] of Object.entries(settings))
    await done('set up the clone of', inside('config', key, value));
  await done('check out the clone of', inside('checkout', '--quiet', '--force', branch, '--'));
  await cloneSubmodules(git, { from: repository, to: aside, signal, patience });
  await openToAnyUser(aside);
  await rename(aside, target);
}

const making = '.making-';

async function removeHalfMade(target: string): Promise<void> {
  for (const name of await readdir(dirname(target)))
    if (name.startsWith(`${basename(target)}${making}`))
      await rm(join(dirname(target), name), { recursive: true, force: true });
}

/** An agent may be anybody in its container. The folder above is closed to everybody else on the host. */
async function openToAnyUser(folder: string): Promise<void> {
  await chmod(folder, 0o777);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAnyUser(path);
    else if (entry.isFile()) await chmod(path, (await lstat(path)).mode | 0o666);
  }
}

const isThere = (path: string) =>
  lstat(path).then(
    () => true,
    () => false,
  );
