import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
} from 'node:fs';
import { join, posix } from 'node:path';
import { escapeControl } from './escape-control.ts';
import { fileErrorMessage } from './files.ts';

interface SkillFile {
  /** Relative to the folder of the skill. */
  readonly path: string;
  readonly content: Buffer;
  readonly isExecutable: boolean;
}

interface Skill {
  readonly files: readonly SkillFile[];
  /** Hash of all files, with their paths. */
  readonly sha256: string;
}

/** Maximum bytes of an agent's skills together: they are read again for each attempt, and sent to its container. */
export const maxSkillBytes = 2 ** 20;
const maxSkillFiles = 200;
const maxSkillFolders = 200;

/**
 * Read the files of a skill. `source` is a real path. Return the reason if the folder holds no `SKILL.md`, or anything but
 * regular files and folders, or too much. An agent may be able to write to the folder: no link is followed.
 */
export function readSkill(source: string): Skill | { readonly reason: string } {
  try {
    const files: SkillFile[] = [];
    let room = maxSkillBytes;
    for (const path of pathsBelow(source, '')) {
      if (files.length === maxSkillFiles)
        return { reason: `${named(source)} holds more than ${maxSkillFiles} files` };
      const file = readFileIn(source, path, room);
      room -= file.content.length;
      files.push(file);
    }
    if (!files.some(({ path }) => path === 'SKILL.md'))
      return { reason: `${named(source)} is not a skill: it holds no SKILL.md` };
    return { files, sha256: hashOf(files) };
  } catch (error) {
    if (error instanceof SkillError) return { reason: error.message };
    return { reason: fileErrorMessage(error, source, 'folder') };
  }
}

/** Read a skill again for an attempt: an agent may have written to it since the spec was read. */
export function readSameSkill(source: string, sha256: string): Skill | { readonly reason: string } {
  const skill = readSkill(source);
  if ('reason' in skill || skill.sha256 === sha256) return skill;
  return { reason: `the skill ${named(source)} has changed since the run began; start another run` };
}

function hashOf(files: readonly SkillFile[]): string {
  const list = files.map(({ path, isExecutable, content }) => [path, isExecutable, sha256Of(content)]);
  return sha256Of(JSON.stringify(list));
}

const sha256Of = (data: Buffer | string) => createHash('sha256').update(data).digest('hex');

class SkillError extends Error {}

const named = escapeControl;

/** Yield the paths of all files, in the order of their names. */
function* pathsBelow(source: string, folder: string, folders = { left: maxSkillFolders }): Generator<string> {
  if (folders.left-- === 0)
    throw new SkillError(`${named(source)} holds more than ${maxSkillFolders} folders`);
  const entries = readdirSync(join(source, folder), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) yield* pathsBelow(source, path, folders);
    else if (entry.isFile()) yield path;
    else
      throw new SkillError(`${named(join(source, path))} is not a regular file; a skill may hold only those`);
  }
}

function readFileIn(source: string, path: string, room: number): SkillFile {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const whole = join(source, path);
  const file = openSync(whole, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile() || pathOf(file, whole) !== whole)
      throw new SkillError(`${named(whole)} is not a regular file any more`);
    const content = stats.size > room ? null : readFileSync(file);
    if (content === null || content.length > room)
      throw new SkillError(
        `${named(source)} is larger than ${maxSkillBytes / 2 ** 20} MiB, with the skills before it`,
      );
    return { path, content, isExecutable: (stats.mode & 0o100) !== 0 };
  } finally {
    closeSync(file);
  }
}

/** Return where an open file is. Its path may lead elsewhere by now: a folder may have been replaced with a link. */
function pathOf(file: number, path: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${file}`);
  } catch {
    return realpathSync(path);
  }
}
