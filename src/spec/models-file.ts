import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelsFile } from '../providers/provider.ts';

/**
 * Return the names of the variables with keys that a file in the caller's home names, for the servers of its models; null
 * if the file does not exist or has no such servers.
 */
export function keysInModelsFile(models: ModelsFile | undefined, home: string): readonly string[] | null {
  if (models === undefined) return null;
  const text = readOrEmpty(join(home, models.file));
  if (!new RegExp(models.holds).test(text)) return null;
  return [...new Set([...text.matchAll(new RegExp(models.keys, 'g'))].map(([, name]) => name!))];
}

/** Return the text of a file; empty if it cannot be read. */
export function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
