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

/** A folder that goes with its test. */
export function folder(t: Pick<ExecutionContext, 'teardown'>): string {
  const path = mkdtempSync(join(tmpdir(), 'agent-flow-git-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Runs git as a user would, and returns what it prints. */
export function run(cwd: string, ...args: readonly string[]): string {
  const who = ['-c', 'user.name=tester', '-c', 'user.email=tester@example.invalid'];
  return execaSync('git', [...who, '-c', 'protocol.file.allow=always', ...args], {
    cwd,
    env: { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
  }).stdout;
}

/** A repository with one commit of these files. */
export function repository(
  path: string,
  files: Readonly<Record<string, string>> = { 'a.txt': 'a\n' },
): string {
  run('.', 'init', '--quiet', '--initial-branch=main', path);
  return commit(path, files);
}

/** Writes files and commits them; returns the path. */
export function commit(path: string, files: Readonly<Record<string, string>>): string {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  run(path, 'add', '--all');
  run(path, 'commit', '--quiet', `--message=Change ${Object.keys(files).join(', ')}`);
  return path;
}

export const head = (path: string, ref = 'HEAD') => run(path, 'rev-parse', ref);

/** Every file of a tree by its path: what it is, its mode, and a hash of what it holds. `but` are left out. */
export function hashes(path: string, but: (name: string) => boolean = () => false): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' }).sort()) {
    const full = join(path, name);
    const facts = lstatSync(full);
    if (facts.isDirectory() || but(name)) continue;
    const content = facts.isSymbolicLink() ? readlinkSync(full) : readFileSync(full);
    found[name] = `${facts.mode} ${createHash('sha256').update(content).digest('hex')}`;
  }
  return found;
}
