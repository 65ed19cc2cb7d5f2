import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execaSync } from 'execa';

/** Create a temporary folder, which is removed after the test. */
export function folder(t: Pick<ExecutionContext, 'teardown'>): string {
  const path = mkdtempSync(join(tmpdir(), 'agent-flow-git-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Run git with a fixed author and without the configuration of this machine, and return its output. */
export function run(cwd: string, ...args: readonly string[]): string {
  const author = ['-c', 'user.name=tester', '-c', 'user.email=tester@example.invalid'];
  return execaSync('git', [...author, '-c', 'protocol.file.allow=always', ...args], {
    cwd,
    env: { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
  }).stdout;
}

/** Create a repository with one commit of these files. */
export function repository(
  path: string,
  files: Readonly<Record<string, string>> = { 'a.txt': 'a\n' },
): string {
  run('.', 'init', '--quiet', '--initial-branch=main', path);
  return commit(path, files);
}

/** Write files, commit them and return the path. */
export function commit(path: string, files: Readonly<Record<string, string>>): string {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  run(path, 'add', '--all');
  run(path, 'commit', '--quiet', `--message=Change ${Object.keys(files).join(', ')}`);
  return path;
}

export const head = (path: string, ref = 'HEAD') => run(path, 'rev-parse', ref);

/** Map each file of a tree to its type, its mode and a hash of its content. `isExcluded` leaves files out. */
export function hashes(
  path: string,
  isExcluded: (name: string) => boolean = () => false,
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' }).sort()) {
    const full = join(path, name);
    const facts = lstatSync(full);
    if (facts.isDirectory() || isExcluded(name)) continue;
    const content = facts.isSymbolicLink() ? readlinkSync(full) : readFileSync(full);
    found[name] = `${facts.mode} ${createHash('sha256').update(content).digest('hex')}`;
  }
  return found;
}
