import { basename } from 'node:path';

/** Return the default name of a flow: `Fix & review.json` → `fix-review`. */
export function nameOfFile(path: string): string {
  const name = basename(path)
    .replace(/\.jsonc?$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9._]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 63)
    .replace(/[^a-z0-9]+$/, '');
  return name === '' ? 'flow' : name;
}
