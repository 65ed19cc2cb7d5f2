import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configFolder } from './engine-address.ts';

/**
 * Return a setting of the docker client's config.json; null if it is missing or the file cannot be read: docker
 * ignores such a file.
 */
export function clientSetting(
  name: 'currentContext' | 'detachKeys',
  env: Readonly<Record<string, string | undefined>>,
): string | null {
  try {
    const value = JSON.parse(readFileSync(join(configFolder(env), 'config.json'), 'utf8'))[name];
    return typeof value === 'string' && value !== '' ? value : null;
  } catch {
    return null;
  }
}
