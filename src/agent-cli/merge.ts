import { isObject } from './json.ts';

/** Merge JSON into JSON: objects key by key, everything else is replaced. */
export function merge(old: unknown, more: unknown): unknown {
  if (!isObject(old) || !isObject(more)) return more;
  const merged = Object.entries(more).map(([key, value]) => [key, merge(old[key], value)]);
  return { ...old, ...Object.fromEntries(merged) };
}
