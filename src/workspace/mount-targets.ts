import { lstatSync } from 'node:fs';
import { join, relative } from 'node:path';

/** A mount: its path on the host, and in the container. */
export interface MountTarget {
  readonly source: string;
  readonly target: string;
}

/**
 * Return why a mount below another mount would end up at another path in the container; null if none would. Docker
 * follows links in a target, and an agent that wrote to the outer directory may have put one there: to the in-container
 * commands, or to the agent's home.
 */
export function findMisplacedMount(outer: readonly MountTarget[], targets: readonly string[]): string | null {
  for (const target of targets) {
    const [above] = outer
      .filter(other => target.startsWith(`${other.target}/`))
      .sort((a, b) => b.target.length - a.target.length);
    if (above === undefined) continue;
    const link = firstLink(above.source, relative(above.target, target).split('/'));
    if (link !== null)
      return `${link} is a link, so what is mounted at ${target} would land elsewhere in the container`;
  }
  return null;
}

function firstLink(root: string, names: readonly string[]): string | null {
  for (let count = 1; count <= names.length; count++) {
    const path = join(root, ...names.slice(0, count));
    if (isLink(path)) return path;
  }
  return null;
}

/** A path that cannot be read counts as a link. */
function isLink(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  } catch {
    return true;
  }
}
