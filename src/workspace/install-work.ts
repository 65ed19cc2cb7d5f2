import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type Repository, readSmallFile } from './repository.ts';

/** The refs that may be written: this branch, and those below this prefix. */
export interface AllowedRefs {
  /** `agent-flow/RUN/AGENT`. */
  readonly branch: string;
  /** `refs/agent-flow/RUN/AGENT/ATTEMPT`. */
  readonly refs: string;
}

/** Bytes of the list of refs. */
const maxListBytes = 2 ** 20;

/**
 * Add packs and refs to a repository, as files: no git process of this machine is given it. A helper container has checked
 * the packs, and has written them and `refs`, lines of `COMMIT NAME`, into the folder. Returns the problem, or null.
 *
 * @example
 * installWork(repository, '/runs/r1/agents/a/1/out/delivered', { branch: 'agent-flow/r1/a', refs: 'refs/agent-flow/r1/a/1' });
 */
export function installWork({ commonDir }: Repository, folder: string, allowed: AllowedRefs): string | null {
  const refs = readRefs(folder, allowed);
  if (refs === null) return 'the list of its refs cannot be read';
  const unsafe = ['objects', 'objects/pack', 'refs'].find(name => !isDirectory(join(commonDir, name)));
  if (unsafe !== undefined) return `its ${unsafe} is not a directory`;
  const checkedOut = refs.find(({ name }) => isCheckedOut(commonDir, name));
  if (checkedOut !== undefined) return `${checkedOut.name} is checked out`;
  installPacks(join(folder, 'pack'), join(commonDir, 'objects', 'pack'));
  // Refs come last: their objects exist.
  for (const { name, commit } of refs) {
    const problem = writeRef(commonDir, name, commit);
    if (problem !== null) return problem;
  }
  return null;
}

interface Ref {
  readonly name: string;
  readonly commit: string;
}

/** Return the refs to write; null if the list has another one. */
function readRefs(folder: string, { branch, refs }: AllowedRefs): Ref[] | null {
  const lines = readSmallFile(join(folder, 'refs'), maxListBytes)?.split('\n').filter(Boolean) ?? [];
  const found = lines.map(line => /^([0-9a-f]{40}|[0-9a-f]{64}) (refs\/\S+)$/.exec(line));
  const isAllowed = (name: string) =>
    name === `refs/heads/${branch}` || (name.startsWith(`${refs}/`) && isPlainName(name));
  if (found.length === 0 || found.some(match => match === null || !isAllowed(match[2]!))) return null;
  return found.map(match => ({ commit: match![1]!, name: match![2]! }));
}

/** Git's rules for names, and no more than agent-collect writes. */
const isPlainName = (name: string) =>
  /^[A-Za-z0-9._/@+-]{1,400}$/.test(name) &&
  name
    .split('/')
    .every(part => part !== '' && !part.startsWith('.') && !part.endsWith('.lock') && !part.endsWith('.')) &&
  !name.includes('..');

function installPacks(from: string, to: string): void {
  const names = existsSync(from) ? readdirSync(from).filter(name => packFile.test(name)) : [];
  // Git looks for the index first, so it comes last.
  for (const name of names.sort((a, b) => Number(a.endsWith('.idx')) - Number(b.endsWith('.idx')))) {
    if (existsSync(join(to, name)) || !lstatSync(join(from, name)).isFile()) continue;
    const aside = join(to, `tmp_pack_${process.pid}_${name}`);
    rmSync(aside, { force: true });
    copyFileSync(join(from, name), aside, constants.COPYFILE_EXCL);
    // As git writes them.
    chmodSync(aside, 0o444);
    renameSync(aside, join(to, name));
  }
}

const packFile = /^pack-([0-9a-f]{40}|[0-9a-f]{64})\.(pack|idx|rev)$/;

/** Write a ref like git: to a lock beside it, which is renamed. Returns the problem, or null. */
function writeRef(commonDir: string, name: string, commit: string): string | null {
  const path = join(commonDir, name);
  const problem = makeDirectories(commonDir, dirname(name));
  if (problem !== null) return problem;
  const lock = `${path}.lock`;
  try {
    writeFileSync(lock, `${commit}\n`, { flag: 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EEXIST' ? `${name} is locked: ${lock} exists` : `${name} cannot be written: ${code}`;
  }
  try {
    renameSync(lock, path);
    return null;
  } catch (error) {
    rmSync(lock, { force: true });
    return `${name} cannot be written: ${(error as NodeJS.ErrnoException).code}`;
  }
}

/** Make the directories of a ref, through no link. */
function makeDirectories(commonDir: string, name: string): string | null {
  let path = commonDir;
  for (const part of name.split('/')) {
    path = join(path, part);
    const facts = lstatSync(path, { throwIfNoEntry: false });
    if (facts === undefined) mkdirSync(path);
    else if (!facts.isDirectory()) return `${path} is in the way of ${name}`;
  }
  return null;
}

const isDirectory = (path: string) => lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** Return whether a work tree of the repository is on this branch: its files would differ from it. */
function isCheckedOut(commonDir: string, ref: string): boolean {
  const worktrees = join(commonDir, 'worktrees');
  const heads = [
    join(commonDir, 'HEAD'),
    ...(isDirectory(worktrees) ? readdirSync(worktrees).map(name => join(worktrees, name, 'HEAD')) : []),
  ];
  return heads.some(file => readSmallFile(file)?.trim() === `ref: ${ref}`);
}
