import type { AgentFields } from './checks.ts';
import { isObject } from './fields.ts';
import { type FileLookup, findDockerfile, findFolder } from './files.ts';
import { type Finding, isBroken, type Path } from './findings.ts';
import type { BuildPlan } from './plan.ts';
import type { AgentSpec } from './schema.ts';

type BuildSpec = NonNullable<AgentSpec['build']>;

/** The real paths of build contexts, by the paths in the spec. */
export interface Builds {
  readonly contexts: ReadonlyMap<string, string>;
  readonly findings: readonly Finding[];
}

/** Find the context and the Dockerfile of every `build`. Fields with a finding are skipped. */
export async function findBuilds(
  places: readonly AgentFields[],
  { directory, found }: { directory: string; found: readonly Finding[] },
): Promise<Builds> {
  const contexts = new Map<string, string>();
  const findings: Finding[] = [];
  for (const { path, fields } of places) {
    const here: Path = [...path, 'build'];
    const { build } = fields;
    if (!isObject(build) || isBroken(found, here)) continue;
    const { context = '.', dockerfile = 'Dockerfile' } = build;
    const look = async (key: string, written: unknown, find: (written: string) => Promise<FileLookup>) => {
      if (typeof written !== 'string' || isBroken(found, [...here, key])) return null;
      const lookup = await find(written);
      if ('value' in lookup) return lookup.value;
      const isSet = key in build;
      findings.push({
        path: isSet ? [...here, key] : here,
        ...(isSet ? { value: written } : {}),
        message: lookup.reason,
      });
      return null;
    };
    const folder = await look('context', context, written => findFolder(written, directory));
    if (folder === null) continue;
    contexts.set(context as string, folder);
    await look('dockerfile', dockerfile, written => findDockerfile(written, folder));
  }
  return { contexts, findings };
}

export function resolveBuild(
  { context = '.', dockerfile = 'Dockerfile', args = {}, target }: BuildSpec,
  { contexts }: Builds,
): BuildPlan {
  return { context: contexts.get(context)!, dockerfile, args, target: target ?? null };
}
