import type { Git } from './git.ts';

/** Milliseconds. */
const patience = 5 * 60_000;

/**
 * Brings what a bundle holds into the user's repository, as a branch of its own. No hook runs, no other ref moves, and a
 * branch that somebody has checked out is left as it is. Returns the branch's commit, or what went wrong.
 */
export async function fetchWork(
  git: Git,
  { repository, bundle, branch }: { repository: string; bundle: string; branch: string },
): Promise<{ commit: string } | { fault: string }> {
  const ref = `refs/heads/${branch}`;
  const fetched = await git(
    [
      'fetch',
      '--quiet',
      '--no-tags',
      '--no-write-fetch-head',
      '--no-auto-maintenance',
      '--no-recurse-submodules',
      bundle,
      `+${ref}:${ref}`,
    ],
    { cwd: repository, timeout: patience },
  );
  if (!fetched.ok) return { fault: fetched.said };
  const head = await git(['rev-parse', '--verify', '--quiet', `${ref}^{commit}`], { cwd: repository });
  return head.ok ? { commit: head.stdout.trim() } : { fault: `${branch} is not there after it was fetched` };
}
