import { resolve } from 'node:path';
import { agentFields } from './checks.ts';
import { isObject } from './fields.ts';
import { readText } from './files.ts';
import { type Finding, isBroken, type Path } from './findings.ts';
import { closest } from './schema-kit.ts';

/** The schemas of agents with an `output`; null for one that has a finding. */
export type OutputSchemas = ReadonlyMap<string, Schema | null>;
type Schema = Readonly<Record<string, unknown>>;

/** An AI CLI gets the schema in its prompt. */
const maxSchemaBytes = 64 * 1024;

/** Read and check the schema of every agent with an `output`. */
export async function findOutputs(
  value: unknown,
  { directory, found }: { directory: string; found: readonly Finding[] },
): Promise<{ readonly outputs: OutputSchemas; readonly findings: readonly Finding[] }> {
  const outputs = new Map<string, Schema | null>();
  const findings: Finding[] = [];
  for (const { path, fields } of agentFields(value)) {
    const { output } = fields;
    if (output === undefined) continue;
    const name = String(path[1]);
    outputs.set(name, null);
    if (!isObject(output) || isBroken(found, [...path, 'output'])) continue;
    const inFile = output.schemaFile !== undefined;
    const where: Path = [...path, 'output', inFile ? 'schemaFile' : 'schema'];
    if (isBroken(found, where)) continue;
    const lookup = inFile
      ? await readSchema(String(output.schemaFile), directory)
      : { schema: output.schema };
    const problem = 'reason' in lookup ? lookup.reason : await problemOf(lookup.schema);
    if (problem !== null) findings.push({ path: where, message: problem });
    else if ('schema' in lookup) outputs.set(name, lookup.schema as Schema);
  }
  return { outputs, findings };
}

async function readSchema(written: string, directory: string) {
  const lookup = await readText(resolve(directory, written));
  if ('reason' in lookup) return lookup;
  try {
    const schema: unknown = JSON.parse(lookup.value);
    return isObject(schema) ? { schema } : { reason: 'expected a JSON Schema, which is an object' };
  } catch {
    return { reason: 'is not valid JSON' };
  }
}

async function problemOf(schema: unknown): Promise<string | null> {
  if (Buffer.byteLength(JSON.stringify(schema)) > maxSchemaBytes) return 'is larger than 64 KiB';
  // Most specs have no output.
  const { schemaProblem } = await import('./output-schema.ts');
  return schemaProblem(schema as object);
}

/** Keywords that may allow what `properties` does not list. */
const otherKeywords = ['$ref', '$dynamicRef', 'allOf', 'anyOf', 'oneOf', 'if', 'patternProperties'];

/** Return the first key of a path that no output of a schema can have, for a message; null if there may be such a value. */
export function excludedKey(schema: Schema, [key, ...rest]: readonly string[]): string | null {
  if (key === undefined || otherKeywords.some(keyword => keyword in schema)) return null;
  const { properties = {}, additionalProperties, items } = schema;
  if (isObject(properties) && Object.hasOwn(properties, key)) return excludedIn(properties[key], rest);
  if (/^\d+$/.test(key) && isObject(items)) return excludedIn(items, rest);
  if (additionalProperties !== false || !isObject(properties) || /^\d+$/.test(key)) return null;
  const meant = closest(key, Object.keys(properties));
  return `"${key}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`;
}

/** Return the schema of the value at a path; null if it is not known. */
export function schemaAt(schema: Schema, [key, ...rest]: readonly string[]): Schema | null {
  if (otherKeywords.some(keyword => keyword in schema)) return null;
  if (key === undefined) return schema;
  const { properties = {}, items } = schema;
  const own = isObject(properties) && Object.hasOwn(properties, key) ? properties[key] : undefined;
  const next = own ?? (/^\d+$/.test(key) ? items : undefined);
  return isObject(next) ? schemaAt(next, rest) : null;
}

const excludedIn = (schema: unknown, path: readonly string[]) =>
  isObject(schema) ? excludedKey(schema, path) : null;
