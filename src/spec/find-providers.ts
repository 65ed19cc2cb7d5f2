import { builtIn, type Providers } from '../providers/catalogue.ts';
import { agentFields, defaultFields } from './checks.ts';
import { isObject } from './fields.ts';
import type { Finding } from './findings.ts';
import type { Environment } from './interpolate.ts';
import { at } from './issues.ts';
import { defineProvider, providerDefinition, providerNameProblem } from './provider-definition.ts';
import { readUserProviders, type UserProvider, unknownProvider } from './user-providers.ts';

/**
 * Return the providers that the agents of a spec can name: those of this package, those of the user's files, and those of
 * the spec, which take precedence over files.
 */
export async function findProviders(
  spec: unknown,
  env: Environment,
): Promise<{ providers: Providers; findings: Finding[] }> {
  const files = await readUserProviders(env);
  const field = at(spec, ['providers']);
  const defined = isObject(field) ? Object.entries(field) : [];
  const providers = new Map(builtIn);
  for (const [name, file] of files) if ('provider' in file) providers.set(name, file.provider);
  for (const [name, given] of defined) {
    const { data } = providerDefinition.safeParse(given);
    if (data !== undefined && providerNameProblem(name) === null)
      providers.set(name, defineProvider(name, data));
  }
  // A definition with a problem is a finding of its own.
  const known = new Set([...providers.keys(), ...defined.map(([name]) => name), 'command']);
  return { providers, findings: unknownProviders(spec, known, files) };
}

function unknownProviders(
  spec: unknown,
  known: ReadonlySet<string>,
  files: ReadonlyMap<string, UserProvider>,
): Finding[] {
  return [defaultFields(spec), ...agentFields(spec)].flatMap(({ path, fields: { provider } }) => {
    if (typeof provider !== 'string' || known.has(provider)) return [];
    const file = files.get(provider);
    return file !== undefined && 'problem' in file
      ? [{ path: [...path, 'provider'], message: file.problem }]
      : [{ path: [...path, 'provider'], value: provider, message: unknownProvider(provider, [...known]) }];
  });
}
