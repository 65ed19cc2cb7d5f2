import * as z from 'zod';
import { spec } from './schema.ts';

const unfilled = '|\\$\\{';

/** What an editor checks a spec against; made by `scripts/schemas.ts`, shipped as `schemas/spec.schema.json`. */
export function specJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(spec, {
    io: 'input',
    target: 'draft-2020-12',
    override({ jsonSchema, path }) {
      // A value may still be `${…}`; a key never is. zod calls this once for every layer around a string.
      const { pattern } = jsonSchema;
      if (pattern === undefined || pattern.endsWith(unfilled) || path.at(-1) === 'propertyNames') return;
      jsonSchema.pattern = `${pattern}${unfilled}`;
    },
  });
  return {
    $schema,
    $id: 'urn:agent-flow:spec',
    title: 'agent-flow spec',
    description:
      'AI coding agents and what each of them is run as. Strings may hold `${NAME}` and `${NAME:-default}`.',
    ...rest,
  };
}
