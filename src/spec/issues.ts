import type * as z from 'zod';
import { agent } from './agent-schema.ts';
import type { Finding, Path } from './findings.ts';
import { type Spec, spec } from './schema.ts';

type Issue = z.core.$ZodIssue;

/** Parse a spec into typed data, or return its problems. */
export function validate(value: unknown): { data: Spec | null; findings: Finding[] } {
  const result = spec.safeParse(value);
  if (result.success) return { data: result.data, findings: [] };
  return { data: null, findings: findingsIn(result.error, value) };
}

/** Return the findings of a schema's error on a value. */
export const findingsIn = (error: z.core.$ZodError, value: unknown): Finding[] =>
  error.issues.flatMap(issue => toFindings(issue, [], value));

function toFindings(issue: Issue, base: Path, root: unknown): Finding[] {
  const path = [...base, ...(issue.path as Path)];
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n');
    return issue.keys.map((key, i) => ({ path: [...path, key], message: messages[i]! }));
  }
  if (issue.code === 'invalid_key') {
    const message = issue.issues[0]?.message ?? issue.message;
    return [{ path, message }, ...findingsBehindBadName(path, root)];
  }
  const alternative = issue.code === 'invalid_union' ? closestAlternative(issue.errors) : undefined;
  if (alternative !== undefined && issue.message === 'Invalid input') {
    return alternative.flatMap(inner => toFindings(inner, path, root));
  }
  const value = at(root, path);
  return [{ path, message: issue.message, ...(value === undefined ? {} : { value }) }];
}

/** Return the alternative of a union that matches the type of the value, if the union itself has no message. */
function closestAlternative(alternatives: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  return alternatives.find(issues =>
    issues.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys'),
  );
}

/** Validate the value of an entry with an invalid key too: zod skips it, and the user needs all problems at once. */
function findingsBehindBadName(path: Path, root: unknown): Finding[] {
  if (path.length !== 2 || path[0] !== 'agents') return [];
  const result = agent.safeParse(at(root, path));
  return result.success ? [] : result.error.issues.flatMap(issue => toFindings(issue, path, root));
}

export function at(root: unknown, path: Path): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}
