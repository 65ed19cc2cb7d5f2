import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { FlowError } from '../errors.ts';
import type { AgentPlan } from '../spec/plan.ts';

/** A file of a login, which an engine on another machine gets. */
export interface LoginFile {
  /** Its path relative to the agent's home. */
  readonly home: string;
  readonly content: Buffer;
}

/** Maximum bytes of an agent's logins together: they are kept in the memory of its container. */
const maxBytes = 4 * 2 ** 20;

/**
 * Read the regular files of these logins, without links. Throws a `FlowError` if they are too large to be sent.
 *
 * @example readLogins('fixer', [{ source: '/home/ada/.ssh', home: '.ssh', isCopied: true }])
 */
export function readLogins(agent: string, logins: AgentPlan['auth']['files']): LoginFile[] {
  const files: LoginFile[] = [];
  let room = maxBytes;
  for (const { source, home } of logins)
    for (const path of filesBelow(agent, source)) {
      const content = readRegular(join(source, path), room);
      if (content === null) continue;
      if (content === 'too large') throw new FlowError(tooLarge(agent, home, source), 2);
      room -= content.length;
      files.push({ home: posix.join(home, path), content });
    }
  return files;
}

const tooLarge = (agent: string, home: string, source: string) =>
  `agents.${agent}.auth: with ${source} its logins have more than ${maxBytes / 2 ** 20} MB, which is the most that is sent to a Docker engine on another machine. Make ~/${home} smaller, or leave it out under "auth"`;

/** Return the relative paths of all regular files; `.` for a file itself. */
function filesBelow(agent: string, source: string): string[] {
  try {
    if (!statSync(source, { throwIfNoEntry: false })?.isDirectory()) return ['.'];
    return readdirSync(source, { withFileTypes: true, recursive: true })
      .filter(entry => entry.isFile())
      .map(entry => posix.relative(source, join(entry.parentPath, entry.name)))
      .sort();
  } catch (error) {
    const problem = `agents.${agent}.auth: ${source} cannot be read: ${(error as Error).message}. Leave it out under "auth"`;
    throw new FlowError(problem, 2, { cause: error });
  }
}

/** Read a file, unless it is gone or is no regular file any more. */
function readRegular(path: string, most: number): Buffer | 'too large' | null {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  let file: number | null = null;
  try {
    file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const stats = fstatSync(file);
    if (!stats.isFile()) return null;
    return stats.size > most ? 'too large' : readFileSync(file);
  } catch {
    return null;
  } finally {
    if (file !== null) closeSync(file);
  }
}
