import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { CheckSetup } from '../providers/provider.ts';
import { configFolder } from '../spec/config-folder.ts';
import { readUserProviders } from '../spec/user-providers.ts';

interface Values {
  /** The address of the stub, such as `http://stub:8080`. */
  readonly url: string;
  readonly key: string;
  /** A folder for the files of its home, which need not exist. */
  readonly home: string;
}

/** Return the environment of a caller whose CLI uses the stub, and write the files of that caller's home. */
export function checkEnvironment({ env, files = {} }: CheckSetup, values: Values): Record<string, string> {
  const fill = (text: string) =>
    text.replaceAll('$URL', () => values.url).replaceAll('$KEY', () => values.key);
  for (const [path, json] of Object.entries(files)) {
    const file = join(values.home, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, fill(JSON.stringify(json)), { mode: 0o600 });
  }
  const filled = Object.entries(env).map(([name, value]) => [name, fill(value)]);
  return { HOME: values.home, ...Object.fromEntries(filled) };
}

/** Copy the definition of a provider to another home, if it is a file of the user. */
export async function copyDefinition(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): Promise<void> {
  const file = (await readUserProviders(env)).get(name)?.file;
  if (file === undefined) return;
  const folder = join(configFolder({ HOME: home }), 'providers');
  mkdirSync(folder, { recursive: true });
  copyFileSync(file, join(folder, basename(file)));
}
