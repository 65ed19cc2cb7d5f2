import { chmodSync, lstatSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UsageError } from '../errors.ts';
import type { Example } from './catalogue.ts';

export interface CopyOptions {
  readonly force: boolean;
  /** Fits the spec to the place that it gets. */
  readonly adapt: (spec: string) => string;
}

/** Writes the files of an example. Nothing is written over, but for a spec where `force` says so. */
export function copyExample(
  { folder, spec, files }: Example,
  target: string,
  { force, adapt }: CopyOptions,
): void {
  const taken = files.filter(file => isThere(join(target, file)) && !(force && file === spec));
  if (taken.length > 0) {
    const names = taken.slice(0, 5).map(file => join(target, file));
    const more = taken.length > 5 ? ` and ${taken.length - 5} more` : '';
    const mend = taken.includes(spec) && taken.length === 1 ? '. --force writes it anew' : '';
    throw new UsageError(
      `nothing was written, since there is ${names.join(', ')}${more} already. Name another directory${mend}`,
    );
  }
  for (const file of files) {
    const [from, to] = [join(folder, file), join(target, file)];
    make(dirname(to));
    // `wx` follows no link, and loses against whoever was faster.
    const flag = force && file === spec ? 'w' : 'wx';
    const content = readFileSync(from);
    const written = file === spec ? adapt(content.toString()) : content;
    attempt(to, () => writeFileSync(to, written, { flag }));
    if ((statSync(from).mode & 0o100) !== 0) chmodSync(to, 0o755);
  }
}

/** Parents first: `recursive` never returns for some folders that cannot be made, such as in /proc. */
function make(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(folder) !== folder) make(dirname(folder));
  attempt(folder, () => mkdirSync(folder));
}

function attempt(path: string, write: () => unknown): void {
  try {
    write();
  } catch (error) {
    throw new UsageError(`${path} cannot be written: ${(error as Error).message.replace(/^\w+: /, '')}`);
  }
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // Below something that is no directory: writing will tell.
    return false;
  }
}
