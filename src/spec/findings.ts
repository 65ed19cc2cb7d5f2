import type { Problem } from './errors.ts';
import { escapeControl, shorten } from './escape-control.ts';

/** Keys and indices from the root of a spec to a value in it. */
export type Path = readonly (string | number)[];

/** A problem before its path is formatted and its position in the file is known. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
  readonly value?: unknown;
  /** Position in the file, if `path` does not lead there (the second of two equal keys). */
  readonly offset?: number;
}

/** Sort problems by their position in the file, which `offsetOf` returns for a path. */
export function inOrder(findings: readonly Finding[], offsetOf: (path: Path) => number): Problem[] {
  return findings
    .map(finding => ({ ...finding, offset: finding.offset ?? offsetOf(finding.path) }))
    .sort((a, b) => a.offset - b.offset)
    .map(({ path, message, value }) => ({
      path: formatPath(path),
      message,
      ...(value === undefined ? {} : { value }),
    }));
}

/** Format a path: `agents.fixer.command[0]`, `agents["a b"]`. */
export function formatPath(path: Path): string {
  return path.map(step).join('').replace(/^\./, '');
}

function step(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`;
  const short = shorten(key);
  return /^[\w$-]+…?$/.test(short) ? `.${short}` : `[${escapeControl(JSON.stringify(short))}]`;
}

/** Return whether there is a finding on the value at `path`, or on one that contains it. */
export function isBroken(findings: readonly Finding[], path: Path): boolean {
  return findings.some(
    found => found.path.length <= path.length && found.path.every((key, i) => key === path[i]),
  );
}
