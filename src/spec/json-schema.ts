import * as z from 'zod';
import { spec } from './schema.ts';

const unfilled = '|\\$\\{';

/** Return the JSON Schema of a spec for editors; `scripts/schemas.ts` writes it to `schemas/spec.schema.json`. */
export function specJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(spec, {
    io: 'input',
    target: 'draft-2020-12',
    override({ jsonSchema, path }) {
      // A value may still be `${…}`, a key and the definition of a provider may not. zod calls this once for every wrapper of a string.
      const { pattern } = jsonSchema;
      const isKept = path.at(-1) === 'propertyNames' || path[1] === 'providers';
      if (pattern === undefined || pattern.endsWith(unfilled) || isKept) return;
      jsonSchema.pattern = `${pattern}${unfilled}`;
    },
  });
  return {
    $schema,
    $id: 'urn:agent-flow:spec',
    title: 'agent-flow spec',
    description:
      'AI coding agents and how to run each of them. Strings may contain `${NAME}` and `${NAME:-default}`.',
    ...rest,
  };
}
