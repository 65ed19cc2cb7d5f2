import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CloneError } from './clone-error.ts';
import type { Git } from './git.ts';
import { publicUrl } from './source.ts';

interface Trees {
  /** A work tree of the user's. */
  readonly from: string;
  /** A clone of it that no agent has had yet. */
  readonly to: string;
  readonly signal: AbortSignal;
  readonly patience: number;
}

/** Fills in the submodules that are there in the source, out of what is there: no server is asked. */
export async function cloneSubmodules(git: Git, { from, to, signal, patience }: Trees): Promise<void> {
  const inside = (...args: string[]) => git(args, { cwd: to, signal, timeout: patience, plain: true });
  for (const { name, path, url } of await listed(inside)) {
    const source = join(from, path);
    if (!(await isRepository(source))) continue;
    const key = `submodule.${name}.url`;
    // By its URL, not by its path: for a path git would make hard links.
    await inside('config', key, pathToFileURL(source).href);
    const updated = await inside(
      '-c',
      'protocol.file.allow=always',
      'submodule',
      'update',
      '--init',
      '--',
      path,
    );
    signal.throwIfAborted();
    if (!updated.ok)
      throw new CloneError(`could not clone the submodule ${path} of ${from}: ${updated.said}`);
    const upstream = publicUrl(url);
    const within = (...args: string[]) => git(args, { cwd: join(to, path), signal, plain: true });
    if (upstream === null) {
      await inside('config', '--unset', key);
      await within('remote', 'remove', 'origin');
    } else {
      await inside('config', key, upstream);
      await within('config', 'remote.origin.url', upstream);
    }
    await cloneSubmodules(git, { from: source, to: join(to, path), signal, patience });
  }
}

/** What `.gitmodules` of the checked-out commit names, and the index holds. */
async function listed(inside: (...args: string[]) => ReturnType<Git>) {
  const said = await inside(
    'config',
    '--null',
    '--file=.gitmodules',
    '--get-regexp',
    '^submodule\\..*\\.path$',
  );
  const index = await inside('ls-files', '--stage', '-z');
  const links = new Set(
    index.stdout
      .split('\0')
      .flatMap(line => (line.startsWith('160000 ') ? [line.slice(line.indexOf('\t') + 1)] : [])),
  );
  const found: { name: string; path: string; url: string }[] = [];
  for (const entry of said.ok ? said.stdout.split('\0') : []) {
    const at = entry.indexOf('\n');
    if (at < 0) continue;
    const name = entry.slice('submodule.'.length, at - '.path'.length);
    const path = entry.slice(at + 1);
    if (!links.has(path)) continue;
    const url = await inside('config', '--file=.gitmodules', '--get', `submodule.${name}.url`);
    found.push({ name, path, url: url.stdout.trim() });
  }
  return found;
}

const isRepository = (path: string) =>
  lstat(join(path, '.git')).then(
    () => true,
    () => false,
  );
