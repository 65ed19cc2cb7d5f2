import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../package.ts';

/** A flow in the package, to copy. */
export interface Example {
  readonly name: string;
  readonly folder: string;
  /** Path of its spec in the folder. */
  readonly spec: string;
  /** Paths of all its files in the folder. */
  readonly files: readonly string[];
  /** First sentence of the comment at the top of its spec. */
  readonly about: string;
}

/** The example that `init` copies by default. */
export const starter = 'starter';

export function examples(folder = join(packageFolder, 'examples')): readonly Example[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(({ name }) => exampleAt(join(folder, name), name))
    .sort((a, b) => Number(b.name === starter) - Number(a.name === starter) || (a.name < b.name ? -1 : 1));
}

function exampleAt(folder: string, name: string): Example {
  const spec = existsSync(join(folder, 'spec.json')) ? 'spec.json' : 'agent-flow.json';
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
  const [, about = ''] = /^\/\/ (.*?[.:])(?:\s|$)/.exec(readFileSync(join(folder, spec), 'utf8')) ?? [];
  return { name, folder, spec, files, about: about.replace(/:$/, '.') };
}
