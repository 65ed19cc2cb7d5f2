import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '..', '..', 'fixtures', 'engines');

/** Engines that have recorded output among the fixtures, such as `docker-29` and `podman-4.3`. */
export const engines = readdirSync(folder, { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .map(entry => entry.name);

/** Return recorded output of the docker command; the README of the fixtures describes the files. */
export const recordedOutput = (engine: string, file: string) =>
  readFileSync(join(folder, engine, file), 'utf8');
