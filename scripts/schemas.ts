#!/usr/bin/env node
// Write schemas/*.json from the zod schemas. With --check, write nothing and fail if one is stale.
import { readFileSync, writeFileSync } from 'node:fs';
import * as z from 'zod';
import { eventSchema } from '../src/events.ts';
import { specJsonSchema } from '../src/spec/json-schema.ts';
import { providerDefinition } from '../src/spec/provider-definition.ts';
import { resultSchema } from '../src/state/result-schema.ts';

const schemas = {
  'spec.schema.json': specJsonSchema,
  'provider.schema.json': () => ({
    ...z.toJSONSchema(providerDefinition, { io: 'input' }),
    title: 'The definition of a provider in a file of its own',
  }),
  'event.schema.json': () => ({ ...z.toJSONSchema(eventSchema), title: 'A line of journal.jsonl' }),
  'result.schema.json': () => ({
    ...z.toJSONSchema(resultSchema),
    title: 'What agent-flow run --json prints',
  }),
};
const check = process.argv.includes('--check');

for (const [name, schema] of Object.entries(schemas)) {
  const file = new URL(`../schemas/${name}`, import.meta.url);
  const text = `${JSON.stringify(schema(), null, 2)}\n`;
  if (!check) {
    writeFileSync(file, text);
  } else if (read(file) !== text) {
    console.error(`schemas/${name} is stale: run node scripts/schemas.ts`);
    process.exitCode = 1;
  }
}

function read(file: URL): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
