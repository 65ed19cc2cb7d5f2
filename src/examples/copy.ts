import { chmodSync, lstatSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UsageError } from '../errors.ts';
import type { Example } from './catalogue.ts';

export interface CopyOptions {
  readonly force: boolean;
  /** Adapts the spec to the target directory. */
  readonly adapt: (spec: string) => string;
}

/** Write the files of an example. No file is overwritten, except the spec with `force`. */
export function copyExample(
  { folder, spec, files }: Example,
  target: string,
  { force, adapt }: CopyOptions,
): void {
  const taken = files.filter(file => exists(join(target, file)) && !(force && file === spec));
  if (taken.length > 0) {
    const names = taken.slice(0, 5).map(file => join(target, file));
    const more = taken.length > 5 ? ` and ${taken.length - 5} more` : '';
    const hint = taken.includes(spec) && taken.length === 1 ? ', or use --force to overwrite it' : '';
    throw new UsageError(
      `nothing was written: ${names.join(', ')}${more} already exist${taken.length === 1 ? 's' : ''}. Name another directory${hint}`,
    );
  }
  for (const file of files) {
    const [from, to] = [join(folder, file), join(target, file)];
    createFolder(dirname(to));
    // `wx` follows no link and never overwrites.
    const flag = force && file === spec ? 'w' : 'wx';
    const content = readFileSync(from);
    const written = file === spec ? adapt(content.toString()) : content;
    attempt(to, () => writeFileSync(to, written, { flag }));
    if ((statSync(from).mode & 0o100) !== 0) chmodSync(to, 0o755);
  }
}

/** Create parents first: `recursive` never returns for some folders that cannot be created, such as in /proc. */
function createFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(folder) !== folder) createFolder(dirname(folder));
  attempt(folder, () => mkdirSync(folder));
}

function attempt(path: string, write: () => unknown): void {
  try {
    write();
  } catch (error) {
    throw new UsageError(`${path} cannot be written: ${(error as Error).message.replace(/^\w+: /, '')}`);
  }
}

function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // A parent is not a directory: writing reports it.
    return false;
  }
}
