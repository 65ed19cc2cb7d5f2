import type { ListedEnv, Provider } from '../providers/provider.ts';
import { isObject } from './fields.ts';
import { parseSource } from './source.ts';

type Variables = Readonly<Record<string, string>>;

/**
 * Add to the environment what a CLI always has in a list of its configuration. Text that is not JSON is left to the CLI,
 * which refuses it.
 */
export function withListed(
  { listedEnv }: Provider,
  env: Variables,
  secrets: readonly string[],
): Record<string, string> {
  // The value of a secret is read when the agent starts, so nothing can be added to it here.
  if (listedEnv === undefined || secrets.includes(listedEnv.variable)) return { ...env };
  const { variable } = listedEnv;
  return { ...env, [variable]: configurationWith(listedEnv, env[variable] || '{}') };
}

/** Return whether a configuration contains a key itself, and not only the name of a variable or file with one. */
export const holdsKey = (configuration: string): boolean =>
  /"(api_?key|\w*token|\w*secret|authorization)"\s*:\s*"(?!(bearer )?\{(env|file):)[^"]/i.test(configuration);

/** Return the value of the variable if the user sets none. */
export const bareList = (listed: ListedEnv): string => configurationWith(listed, '{}');

function configurationWith({ list, value, unlessIn }: ListedEnv, text: string): string {
  const { value: configuration } = parseSource(text);
  if (!isObject(configuration)) return text;
  const given = listIn(configuration, list);
  const isWanted = listIn(configuration, unlessIn).includes(value);
  // Written even if it is wanted: a file of lower precedence may contain the same list.
  const entries = isWanted ? given : [...new Set([...given, value])];
  return JSON.stringify({ ...configuration, [list]: entries });
}

function listIn(configuration: Readonly<Record<string, unknown>>, key: string): readonly unknown[] {
  const found = configuration[key];
  return Array.isArray(found) ? found : [];
}
