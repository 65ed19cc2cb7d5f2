import { join } from 'node:path';
import { isAbsent, listDirectory, removeFile } from './state-files.ts';

/** The names that `writeFileAtomic` gives its temporary files. */
const partial = /\.[0-9a-f]{12}\.tmp$/;

/** Remove temporary files that a process left in these directories when it was killed during an atomic write. */
export function removePartialFiles(directories: readonly string[]): void {
  for (const directory of directories)
    for (const name of namesIn(directory)) if (partial.test(name)) removeFile(join(directory, name));
}

/** Return the directories of a run in which atomic writes happen: its own, and those of its attempts. */
export function directoriesOfRun(run: string): string[] {
  const agents = join(run, 'agents');
  const attempts = namesIn(agents).flatMap(agent =>
    namesIn(join(agents, agent)).map(attempt => join(agents, agent, attempt)),
  );
  return [run, ...attempts, ...attempts.map(attempt => join(attempt, 'protected'))];
}

function namesIn(directory: string): string[] {
  try {
    return listDirectory(directory);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}
