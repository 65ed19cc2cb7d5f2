import { basename, resolve } from 'node:path';
import type { AgentFields } from './checks.ts';
import { findMount } from './files.ts';
import { type Finding, isBroken } from './findings.ts';
import { maxSkillBytes, readSkill } from './skill-files.ts';

interface FoundSkill {
  /** The real path of its folder. */
  readonly source: string;
  /** Hash of its files. */
  readonly sha256: string;
  /** The name of its folder, as the spec has it. */
  readonly name: string;
}

/** The skills of a spec, by the paths in it. */
export interface Skills {
  readonly values: ReadonlyMap<string, FoundSkill>;
  readonly findings: readonly Finding[];
}

const nameForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Find the folder of every skill, and check its files. Paths with a finding are skipped. */
export async function findSkills(
  places: readonly AgentFields[],
  { directory, found }: { directory: string; found: readonly Finding[] },
): Promise<Skills> {
  const lookups = new Map<string, Promise<SkillLookup>>();
  const values = new Map<string, FoundSkill>();
  const findings: Finding[] = [];
  for (const { path, fields } of places) {
    const list = Array.isArray(fields.skills) ? fields.skills : [];
    const names = new Set<string>();
    let bytes = 0;
    for (const [index, written] of list.entries()) {
      const here = [...path, 'skills', index];
      if (typeof written !== 'string' || isBroken(found, here)) continue;
      if (!lookups.has(written)) lookups.set(written, findSkill(written, directory));
      const lookup = await lookups.get(written)!;
      const problem = 'reason' in lookup ? lookup.reason : problemOf(lookup, { names, bytes });
      if (problem !== null) findings.push({ path: here, value: written, message: problem });
      if ('reason' in lookup) continue;
      names.add(lookup.name);
      bytes += lookup.bytes;
      values.set(written, { source: lookup.source, sha256: lookup.sha256, name: lookup.name });
    }
  }
  return { values, findings };
}

type SkillLookup = (FoundSkill & { readonly bytes: number }) | { readonly reason: string };

async function findSkill(written: string, directory: string): Promise<SkillLookup> {
  const found = await findMount(written, directory);
  if ('reason' in found) return found;
  const name = basename(resolve(directory, written));
  if (!nameForm.test(name))
    return { reason: 'expected a folder whose name has at most 64 letters, digits, ".", "_" and "-"' };
  const skill = readSkill(found.value);
  if ('reason' in skill) return skill;
  const bytes = skill.files.reduce((sum, { content }) => sum + content.length, 0);
  return { source: found.value, sha256: skill.sha256, name, bytes };
}

function problemOf(
  { name, bytes }: FoundSkill & { readonly bytes: number },
  before: { readonly names: ReadonlySet<string>; readonly bytes: number },
): string | null {
  if (before.names.has(name)) return `another skill is named ${name}`;
  return before.bytes + bytes > maxSkillBytes
    ? `with it the skills have more than ${maxSkillBytes / 2 ** 20} MiB, which is the most that an agent gets`
    : null;
}
