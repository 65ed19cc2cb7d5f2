import { join } from 'node:path';
import type { Docker } from '../docker/cli.ts';
import { containers } from '../docker/containers.ts';
import { labelFilter } from '../docker/labels.ts';
import { isLock, lockHolder, takeLock } from '../store/lock.ts';
import { isRunId, newRunId, openStateDir, type StateDir } from '../store/state-directory.ts';
import { isAbsent, listDirectory, makeDirectory, removeFile } from '../store/state-files.ts';

/**
 * The folder of a check, `checks/<id>` in the state directory. Its runs are in a state directory of their own, with an
 * instance of its own: no other command lists, resumes or removes them while the check is under way.
 */
export interface CheckFolder {
  readonly id: string;
  readonly path: string;
  /** The state directory of its runs. */
  readonly state: StateDir;
}

/** A folder that this process holds, until it is disposed. */
export interface OpenCheckFolder extends CheckFolder, Disposable {
  /** The home of the caller, as its agents see it. */
  readonly home: string;
}

const folderOf = ({ path }: StateDir, id: string) => join(path, 'checks', id);
const lockOf = (path: string) => join(path, 'lock');

/** Create the folder of a check, and take its lock. */
export function createCheckFolder(stateDir: StateDir): OpenCheckFolder {
  const id = newRunId();
  const path = folderOf(stateDir, id);
  makeDirectory(path);
  const lock = takeLock(lockOf(path));
  if (!isLock(lock)) throw new Error(`${path} is in use`);
  const home = join(path, 'home');
  makeDirectory(home);
  const state = openStateDir(join(path, 'state'));
  return {
    id,
    path,
    state,
    home,
    [Symbol.dispose]: () => lock[Symbol.dispose](),
  };
}

/** Return the folders of checks that are over, or were interrupted. */
export function endedCheckFolders(stateDir: StateDir): CheckFolder[] {
  return idsIn(join(stateDir.path, 'checks'))
    .map(id => ({ id, path: folderOf(stateDir, id) }))
    .filter(({ path }) => lockHolder(lockOf(path)) === null)
    .map(folder => ({ ...folder, state: openStateDir(join(folder.path, 'state')) }));
}

/** Return whether the engine has no container and no network of this check any more; false if it does not respond. */
export async function hasLeftNothing(docker: Docker, { state: { instance } }: CheckFolder): Promise<boolean> {
  const networks = ['network', 'ls', '--quiet', `--filter=${labelFilter.instance(instance)}`];
  try {
    const [found, listed] = await Promise.all([
      containers(docker).list([labelFilter.instance(instance)]),
      docker(networks, { timeout: 30_000 }),
    ]);
    return found.length === 0 && listed.ok && listed.stdout.trim() === '';
  } catch {
    return false;
  }
}

/** Remove the folder of a check, of which nothing may be left on the engine. */
export const removeCheckFolder = ({ path }: CheckFolder): void => removeFile(path);

function idsIn(path: string): string[] {
  try {
    return listDirectory(path).filter(isRunId);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}
