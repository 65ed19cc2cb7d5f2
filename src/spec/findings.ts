import type { Problem } from './errors.ts';
import { escapeControl, shorten } from './escape-control.ts';

/** Keys and indices from the root of a spec to a value in it. */
export type Path = readonly (string | number)[];

/** A problem on its way to the user: its path is not yet text, and its place in the file not yet known. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
  readonly value?: unknown;
  /** Where it stands in the file, if that is not where `path` leads (the second of two equal keys). */
  readonly offset?: number;
}

/** Problems in the order of the file; `offsetOf` says where a path leads. */
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

/** `agents.fixer.command[0]`, `agents["a b"]`. */
export function formatPath(path: Path): string {
  return path.map(step).join('').replace(/^\./, '');
}

function step(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`;
  const short = shorten(key);
  return /^[\w$-]+…?$/.test(short) ? `.${short}` : `[${escapeControl(JSON.stringify(short))}]`;
}

/** Whether something was already said about the value at `path`, or about one that holds it. */
export function isBroken(findings: readonly Finding[], path: Path): boolean {
  return findings.some(
    found => found.path.length <= path.length && found.path.every((key, i) => key === path[i]),
  );
}
