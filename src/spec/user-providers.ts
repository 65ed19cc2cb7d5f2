import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UsageError } from '../errors.ts';
import { builtIn } from '../providers/catalogue.ts';
import type { Provider } from '../providers/provider.ts';
import { configFolder } from './config-folder.ts';
import { readText } from './files.ts';
import { type Finding, formatPath } from './findings.ts';
import type { Environment } from './interpolate.ts';
import { findingsIn } from './issues.ts';
import { defineProvider, providerDefinition, providerNameProblem } from './provider-definition.ts';
import { closest } from './schema-kit.ts';
import { parseSource } from './source.ts';

/** A file of the user with the definition of a provider, or why it cannot be used. */
export type UserProvider = { readonly file: string } & (
  | { readonly provider: Provider }
  | { readonly problem: string }
);

/** Read the user's own definitions of providers: `NAME.json` defines the provider NAME. */
export async function readUserProviders(env: Environment): Promise<ReadonlyMap<string, UserProvider>> {
  const folder = join(configFolder(env), 'providers');
  const names = (await readdir(folder).catch(() => [])).filter(name => name.endsWith('.json')).sort();
  return new Map(
    await Promise.all(
      names.map(async name => [basename(name, '.json'), await readDefinition(join(folder, name))] as const),
    ),
  );
}

/**
 * Return the provider of this name: one of this package, or of the user's files.
 *
 * @throws {UsageError} if there is none, or its file cannot be used.
 */
export async function findProvider(name: string, env: Environment): Promise<Provider> {
  const files = await readUserProviders(env);
  const file = files.get(name);
  if (file !== undefined && 'problem' in file) throw new UsageError(file.problem);
  const found = builtIn.get(name) ?? file?.provider;
  if (found !== undefined) return found;
  throw new UsageError(`${name}: ${unknownProvider(name, [...builtIn.keys(), ...files.keys()])}`);
}

/** Return the message for a name that no provider has. */
export function unknownProvider(name: string, known: readonly string[]): string {
  const meant = closest(name, known);
  return meant === undefined
    ? `no such provider; expected one of ${known.join(', ')}. See docs/custom-providers.md for others`
    : `no such provider; did you mean "${meant}"?`;
}

async function readDefinition(file: string): Promise<UserProvider> {
  const name = basename(file, '.json');
  const text = await readText(file);
  if ('reason' in text) return { file, problem: text.reason };
  const { value, findings } = parseSource(text.value.replace(/^\uFEFF/, ''));
  const nameProblem = providerNameProblem(name);
  if (nameProblem !== null) return { file, problem: `${file}: ${nameProblem}` };
  if (findings.length > 0) return { file, problem: describe(file, findings) };
  const { data, error } = providerDefinition.safeParse(value);
  return data === undefined
    ? { file, problem: describe(file, findingsIn(error, value)) }
    : { file, provider: defineProvider(name, data) };
}

const describe = (file: string, findings: readonly Finding[]) =>
  `${file}: ${findings
    .map(({ path, message }) => `${path.length === 0 ? '' : `${formatPath(path)}: `}${message}`)
    .join('; ')}`;
