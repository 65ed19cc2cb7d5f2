import { type Builds, findBuilds } from './builds.ts';
import { type AgentFields, agentFields, defaultFields } from './checks.ts';
import { isObject } from './fields.ts';
import {
  type FileLookup,
  findMount,
  findSecret,
  findWorkspace,
  readInstructions,
  readPrompt,
} from './files.ts';
import { type Finding, isBroken, type Path } from './findings.ts';
import { findSkills, type Skills } from './skills.ts';
import { findRepositories } from './workspaces.ts';

/** Files and directories that a spec names, by the paths as written. */
export interface References {
  readonly prompts: ReadonlyMap<string, string>;
  readonly instructions: ReadonlyMap<string, string>;
  readonly skills: Skills;
  readonly workspaces: ReadonlyMap<string, string>;
  readonly mounts: ReadonlyMap<string, string>;
  readonly secrets: ReadonlyMap<string, string>;
  /** The root of the work tree, by the directory in it that is to be cloned. */
  readonly repositories: ReadonlyMap<string, string>;
  readonly builds: Builds;
  readonly findings: readonly Finding[];
}

/** Find every file with a prompt or instructions, skill, workspace, mount, secret and build. Paths with a finding are skipped. */
export async function resolveReferences(
  value: unknown,
  { directory, found }: { directory: string; found: readonly Finding[] },
): Promise<References> {
  const places = [defaultFields(value), ...agentFields(value)];
  const prompts = await lookUp(places.flatMap(fileIn('promptFile')), {
    found,
    look: path => readPrompt(path, directory),
  });
  const instructions = await lookUp(places.flatMap(fileIn('instructions')), {
    found,
    look: path => readInstructions(path, directory),
  });
  const skills = await findSkills(places, { directory, found });
  const workspaces = await lookUp(
    [
      ...places.flatMap(workspace),
      ...agentFields(value).filter(hasNoWorkspace(value)).slice(0, 1).map(ownDirectory),
    ],
    { found, look: path => findWorkspace(path, directory) },
  );
  const mounts = await lookUp(
    places.flatMap(place => listed(place, 'mounts', 'source')),
    { found, look: path => findMount(path, directory) },
  );
  const secrets = await lookUp(
    places.flatMap(place => listed(place, 'secrets', 'file')),
    { found, look: path => findSecret(path, directory) },
  );
  const clones = findRepositories(places, workspaces.values);
  const builds = await findBuilds(places, { directory, found });
  return {
    prompts: prompts.values,
    instructions: instructions.values,
    skills,
    workspaces: workspaces.values,
    repositories: clones.repositories,
    mounts: mounts.values,
    secrets: secrets.values,
    builds,
    findings: [prompts, instructions, skills, workspaces, clones, mounts, secrets, builds].flatMap(
      ({ findings }) => findings,
    ),
  };
}

interface PathReference {
  readonly path: Path;
  readonly written: string;
}

const fileIn =
  (field: string) =>
  ({ path, fields }: AgentFields): PathReference[] => {
    const written = fields[field];
    return typeof written === 'string' ? [{ path: [...path, field], written }] : [];
  };

function workspace({ path, fields }: AgentFields): PathReference[] {
  const given = fields.workspace;
  if (typeof given === 'string') return [{ path: [...path, 'workspace'], written: given }];
  if (!isObject(given) || typeof given.path !== 'string' || given.onHost === true) return [];
  return [{ path: [...path, 'workspace', 'path'], written: given.path }];
}

/** Return the values of `key` in a field that is an array of objects, without those that are paths of another machine. */
function listed({ path, fields }: AgentFields, field: string, key: string): PathReference[] {
  const given = fields[field];
  if (!Array.isArray(given)) return [];
  return given.flatMap((entry, index) => {
    const written = isObject(entry) && entry.onHost !== true ? entry[key] : undefined;
    return typeof written === 'string' ? [{ path: [...path, field, index, key], written }] : [];
  });
}

/** Return whether neither the agent nor the defaults have a workspace. */
const hasNoWorkspace = (value: unknown) => {
  const isShared = 'workspace' in defaultFields(value).fields;
  return ({ fields }: AgentFields) => !isShared && !('workspace' in fields);
};

/** The default workspace: the directory of the spec. */
function ownDirectory({ path }: AgentFields): PathReference {
  return { path: [...path, 'workspace'], written: '.' };
}

async function lookUp(
  references: readonly PathReference[],
  { found, look }: { found: readonly Finding[]; look: (written: string) => Promise<FileLookup> },
): Promise<{ values: Map<string, string>; findings: Finding[] }> {
  const wanted = references.filter(({ path }) => !isBroken(found, path));
  const lookups = new Map<string, Promise<FileLookup>>();
  for (const { written } of wanted) if (!lookups.has(written)) lookups.set(written, look(written));
  const values = new Map<string, string>();
  const findings: Finding[] = [];
  for (const { path, written } of wanted) {
    const lookup = await lookups.get(written)!;
    if ('value' in lookup) values.set(written, lookup.value);
    else findings.push({ path, value: written, message: lookup.reason });
  }
  return { values, findings };
}
