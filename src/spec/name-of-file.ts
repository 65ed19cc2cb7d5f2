import { basename } from 'node:path';

/** What a flow is called when its spec does not say: `Fix & review.json` → `fix-review`. */
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
