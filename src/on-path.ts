import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Return where a program lies; null if it is not on PATH. */
export function onPath(program: string, env: NodeJS.ProcessEnv): string | null {
  const candidates = (env.PATH ?? '').split(delimiter).map(folder => join(folder || '.', program));
  return candidates.find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
