import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configFolder } from './engine-address.ts';

/**
 * Return what the docker client's own config.json sets; null where that says nothing of it, or cannot be read: docker
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
