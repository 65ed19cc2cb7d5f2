import type { Git } from './git.ts';

/** A repository as it is when a run begins: where the clones of its agents start. */
export interface Source {
  readonly repository: string;
  /** HEAD. */
  readonly commit: string;
  /** Has changes that no commit holds, or files that it does not track. */
  readonly isDirty: boolean;
}

/** Reads the user's repository, and changes nothing in it, not even its index. */
export async function lookAtSource(git: Git, repository: string): Promise<Source | { fault: string }> {
  const cwd = repository;
  const version = await git(['--version'], { cwd });
  if (!version.ok) return { fault: version.said };
  const root = await git(['rev-parse', '--show-toplevel'], { cwd });
  if (!root.ok) return { fault: mended(root.said, repository) };
  const head = await git(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], { cwd });
  if (!head.ok)
    return { fault: 'it has no commit yet; make one first: git add --all && git commit --message=first' };
  const status = await git(['status', '--porcelain', '--untracked-files=normal'], { cwd });
  return { repository, commit: head.stdout.trim(), isDirty: status.ok && status.stdout.trim() !== '' };
}

const mended = (said: string, repository: string) =>
  /dubious ownership/i.test(said)
    ? `it belongs to another user; if you trust it: git config --global --add safe.directory '${repository}'`
    : said;

/** What a clone takes over from its source, beside the commits. */
export interface Surroundings {
  readonly objectFormat: string;
  readonly name: string;
  readonly email: string;
  /** Where the source itself came from, without credentials; null where that is unknown, or on this machine. */
  readonly upstream: string | null;
}

export async function surroundingsOf(git: Git, cwd: string): Promise<Surroundings> {
  const ask = async (...args: string[]) => {
    const answer = await git(args, { cwd });
    return answer.ok ? answer.stdout.trim() : '';
  };
  return {
    objectFormat: (await ask('rev-parse', '--show-object-format')) || 'sha1',
    name: (await ask('config', '--get', 'user.name')) || 'agent-flow',
    email: (await ask('config', '--get', 'user.email')) || 'agent-flow@agents.invalid',
    upstream: publicUrl(await ask('config', '--get', 'remote.origin.url')),
  };
}

/** An address that anybody may see: without user and password, and no path of this machine. */
export function publicUrl(url: string): string | null {
  if (/^(https?|ssh|git):\/\//i.test(url)) {
    try {
      const parsed = new URL(url);
      const isSsh = parsed.protocol === 'ssh:';
      parsed.password = '';
      if (!isSsh) parsed.username = '';
      parsed.search = '';
      parsed.hash = '';
      return parsed.href;
    } catch {
      return null;
    }
  }
  return /^[\w.-]+@[\w.-]+:[^:\s]+$/.test(url) ? url : null;
}
