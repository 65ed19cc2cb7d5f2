import * as z from 'zod';
import { SpecError } from '../spec/errors.ts';
import type { RunResult } from '../state/result-schema.ts';
import { oneLine } from '../text/text.ts';
import { OutputError } from './output-error.ts';
import type { JsonSchemaSource, StandardSchema, TypedResult, TypedSpec } from './typed-spec.ts';

/** The schemas of a spec that are no JSON Schemas, by the names of their agents. */
export type OutputParsers = ReadonlyMap<string, StandardSchema>;

/**
 * Replace the schemas of a spec by the JSON Schemas of what an agent has to write.
 *
 * @throws {SpecError} for a schema that has none.
 */
export function withJsonSchemas(spec: TypedSpec, file: string): { spec: object; parsers: OutputParsers } {
  const parsers = new Map<string, StandardSchema>();
  // Whatever a program without types passes is refused when the spec is loaded.
  const agents: Record<string, unknown> | undefined = spec.agents;
  if (typeof agents !== 'object' || agents === null) return { spec, parsers };
  const entries = Object.entries(agents).map(([name, agent]) => {
    const { output } = (agent ?? {}) as { output?: { schema?: unknown } };
    const schema = output?.schema;
    if (!isStandardSchema(schema)) return [name, agent];
    const path = `agents.${name}.output.schema`;
    const refuse = (message: string) => new SpecError(file, [{ path, message }]);
    const repeated = ['matrix', 'forEach'].find(field => field in (agent as object));
    if (repeated !== undefined)
      throw refuse(`expected a JSON Schema, since the agent has "${repeated}" and becomes several`);
    parsers.set(name, schema);
    return [name, { ...(agent as object), output: { ...output, schema: jsonSchemaOf(schema, refuse) } }];
  });
  return { spec: { ...spec, agents: Object.fromEntries(entries) }, parsers };
}

/** Some libraries have schemas that are functions. */
const isStandardSchema = (schema: unknown): schema is StandardSchema =>
  ((typeof schema === 'object' && schema !== null) || typeof schema === 'function') && '~standard' in schema;

/** The input of a schema is what it accepts, its output what it returns. */
function jsonSchemaOf(schema: StandardSchema, refuse: (message: string) => SpecError): object {
  const { vendor, jsonSchema } = schema['~standard'] as StandardSchema['~standard'] & JsonSchemaSource;
  try {
    if (jsonSchema !== undefined) return jsonSchema.input({ target: 'draft-2020-12' });
    if ('_zod' in schema) return z.toJSONSchema(schema as unknown as z.core.$ZodType, { io: 'input' });
  } catch (error) {
    throw refuse(`it cannot be expressed as a JSON Schema: ${oneLine((error as Error).message)}`);
  }
  throw refuse(`the schema of ${vendor} has no JSON Schema ("~standard.jsonSchema"). Pass a JSON Schema`);
}

/**
 * Parse the outputs of a run with their schemas, which may change them.
 *
 * @throws {OutputError} for the first one that its schema does not accept.
 */
export async function parseOutputs<Spec>(
  result: RunResult,
  parsers: OutputParsers,
): Promise<TypedResult<Spec>> {
  const agents = { ...result.agents };
  for (const [name, schema] of parsers) {
    const agent = agents[name];
    if (agent === undefined || !('output' in agent)) continue;
    const parsed = await schema['~standard'].validate(agent.output);
    if (parsed.issues) throw new OutputError(name, parsed.issues, result);
    agents[name] = { ...agent, output: parsed.value };
  }
  return { ...result, agents } as TypedResult<Spec>;
}
