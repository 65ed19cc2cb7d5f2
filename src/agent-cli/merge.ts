import { isObject } from './json.ts';

/** Merge JSON into JSON: merge objects key by key, and replace everything else. */
export function merge(old: unknown, more: unknown): unknown {
  if (!isObject(old) || !isObject(more)) return more;
  const merged = Object.entries(more).map(([key, value]) => [key, merge(old[key], value)]);
  return { ...old, ...Object.fromEntries(merged) };
}
