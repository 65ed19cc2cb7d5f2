import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AgentFields } from './checks.ts';
import { escapeControl } from './escape-control.ts';
import { isObject } from './fields.ts';
import type { Finding } from './findings.ts';
import type { WorkspacePlan } from './plan.ts';
import type { AgentSpec } from './schema.ts';

/** Find the work trees to clone, by the real path of the directory in the spec. */
export function findRepositories(places: readonly AgentFields[], workspaces: ReadonlyMap<string, string>) {
  const repositories = new Map<string, string>();
  const findings: Finding[] = [];
  for (const { path, fields } of places) {
    const { workspace } = fields;
    if (!isObject(workspace) || workspace.mode !== 'clone') continue;
    const written = workspace.path;
    const real = typeof written === 'string' ? workspaces.get(written) : undefined;
    if (real === undefined) continue;
    const root = findWorkTree(real);
    if (root !== null) repositories.set(real, root);
    else
      findings.push({
        path: [...path, 'workspace', 'path'],
        value: written,
        message: `${escapeControl(real)} is not in a git repository; create one with git init and a commit, or use "mode": "copy"`,
      });
  }
  return { repositories, findings };
}

/** Return the closest directory that contains `.git`: this one or one above; null for none. */
export function findWorkTree(path: string): string | null {
  for (let folder = path; ; folder = dirname(folder)) {
    if (lstatSync(join(folder, '.git'), { throwIfNoEntry: false })) return folder;
    if (dirname(folder) === folder) return null;
  }
}

/** Return the mount of a workspace that is a directory of the engine's machine; null for any other workspace. */
export function workspaceOnHost(written: NonNullable<AgentSpec['workspace']>) {
  if (typeof written === 'string' || written.onHost !== true) return null;
  return { source: written.path!, target: '/workspace', readOnly: false, onHost: true as const };
}

export function resolveWorkspace(
  written: NonNullable<AgentSpec['workspace']>,
  {
    workspaces,
    repositories,
  }: { workspaces: ReadonlyMap<string, string>; repositories: ReadonlyMap<string, string> },
): WorkspacePlan {
  const { mode = 'bind', path, from } = typeof written === 'string' ? { path: written } : written;
  if (mode === 'none') return { mode };
  const real = workspaces.get(path!)!;
  return mode === 'clone'
    ? { mode, path: real, repository: repositories.get(real)!, from: from ?? null }
    : { mode, path: real };
}
