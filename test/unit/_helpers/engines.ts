import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '..', '..', 'fixtures', 'engines');

/** Engines whose output is among the fixtures, such as `docker-29` and `podman-4.3`. */
export const engines = readdirSync(folder, { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .map(entry => entry.name);

/** What the docker command printed of an engine, as its README describes. */
export const printed = (engine: string, file: string) => readFileSync(join(folder, engine, file), 'utf8');
