import type { RunFolder, StateDir } from '../../store/state-directory.ts';
import { readFile } from '../../store/state-files.ts';
import { listNames } from '../../text/text.ts';

/** Return the runs whose files a rerun refers to, as its record has them; none if the record cannot be read. */
function runsReusedBy({ runFile }: RunFolder): readonly string[] {
  try {
    const { rerun } = JSON.parse(readFile(runFile).toString());
    const works: { readonly run: unknown }[] = Object.values(rerun?.reused ?? {});
    return [...new Set(works.map(({ run }) => String(run)))];
  } catch {
    return [];
  }
}

/** Return the runs that use files of each run, by its id. */
export function usersOfRuns(state: StateDir): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>();
  for (const folder of state.recorded())
    for (const run of runsReusedBy(folder)) users.set(run, [...(users.get(run) ?? []), folder.runId]);
  return users;
}

/** Return the runs to keep, since one that stays uses their files, each with those that do. */
export function keptByReruns(
  users: ReadonlyMap<string, readonly string[]>,
  removable: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const leaving = new Set(removable);
  const kept = new Map<string, readonly string[]>();
  // A run that is kept may use the files of others.
  for (let before = -1; before !== kept.size; ) {
    before = kept.size;
    for (const run of leaving) {
      const staying = (users.get(run) ?? []).filter(user => !leaving.has(user));
      if (staying.length === 0) continue;
      leaving.delete(run);
      kept.set(run, staying);
    }
  }
  return kept;
}

export const inUseBy = (users: readonly string[]) =>
  `${listNames(users)} ${users.length === 1 ? 'reuses' : 'reuse'} its work`;
