import { lstatSync } from 'node:fs';
import { join } from 'node:path';

/** What of a directory that agents work in is git's, and would make git do what they wrote there. */
export interface Guard {
  readonly isRepository: boolean;
  /** Relative paths that agents may read only. */
  readonly readOnly: readonly string[];
}

export function guardOf(path: string): Guard {
  const dotGit = kindOf(join(path, '.git'));
  if (dotGit === null) return { isRepository: false, readOnly: [] };
  // Of a linked work tree the configuration is elsewhere, where the agent does not get to.
  const wanted =
    dotGit === 'directory'
      ? [
          ['.git/config', 'file'],
          ['.git/hooks', 'directory'],
        ]
      : [];
  const readOnly = wanted.flatMap(([name, kind]) => (kindOf(join(path, name!)) === kind ? [name!] : []));
  return { isRepository: true, readOnly };
}

function kindOf(path: string): 'file' | 'directory' | 'other' | null {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (!facts) return null;
  return facts.isDirectory() ? 'directory' : facts.isFile() ? 'file' : 'other';
}
