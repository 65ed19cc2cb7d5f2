import type { AgentFields } from './checks.ts';
import { isObject } from './fields.ts';
import { type FileLookup, findDockerfile, findFolder } from './files.ts';
import { type Finding, isBroken, type Path } from './findings.ts';
import type { BuildPlan } from './plan.ts';
import type { AgentSpec } from './schema.ts';

type Written = NonNullable<AgentSpec['build']>;

/** The real contexts of builds, by what was written. */
export interface Builds {
  readonly contexts: ReadonlyMap<string, string>;
  readonly findings: readonly Finding[];
}

/** Looks for the context and the Dockerfile of every `build`; what is known to be wrong is left alone. */
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
      const outcome = await find(written);
      if ('value' in outcome) return outcome.value;
      const isSaid = key in build;
      findings.push({
        path: isSaid ? [...here, key] : here,
        ...(isSaid ? { value: written } : {}),
        message: outcome.fault,
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
  { context = '.', dockerfile = 'Dockerfile', args = {}, target }: Written,
  { contexts }: Builds,
): BuildPlan {
  return { context: contexts.get(context)!, dockerfile, args, target: target ?? null };
}
