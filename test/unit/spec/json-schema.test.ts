import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { specJsonSchema } from '../../../src/spec/json-schema.ts';

type Node = Record<string, unknown> & {
  properties?: Record<string, Node>;
  anyOf?: Node[];
  additionalProperties?: Node | false;
};

const schema = specJsonSchema() as Node;
const agent = schema.properties!.agents!.additionalProperties as Node;

test('the shipped schema is up to date', async t => {
  const script = fileURLToPath(new URL('../../../scripts/schemas.ts', import.meta.url));
  await t.notThrowsAsync(promisify(execFile)(process.execPath, [script, '--check']));
  const shipped = new URL('../../../schemas/spec.schema.json', import.meta.url);
  t.deepEqual(JSON.parse(readFileSync(shipped, 'utf8')), schema);
});

test('every field has a description', t => {
  const bare: string[] = [];
  const visit = (node: Node, path: string) => {
    for (const [key, field] of Object.entries(node.properties ?? {})) {
      if (typeof field.description !== 'string') bare.push(`${path}.${key}`);
      visit(field, `${path}.${key}`);
    }
    for (const inner of node.anyOf ?? []) visit(inner, path);
    if (node.additionalProperties) visit(node.additionalProperties, `${path}.*`);
  };
  visit(schema, '');
  t.deepEqual(bare, []);
});

test('the schema refuses unknown keys, bad names and an empty flow', t => {
  t.is(schema.additionalProperties, false);
  t.is(agent.additionalProperties, false);
  t.is((schema.properties!.agents as Node).minProperties, 1);
  t.deepEqual(schema.required, ['agents']);
  t.regex('a-b', new RegExp((schema.properties!.agents!.propertyNames as { pattern: string }).pattern));
});

test('the patterns of durations and sizes accept ${…}', t => {
  const pattern = (node: Node) => new RegExp(node.pattern as string);
  const { memory, timeouts } = agent.properties!;
  for (const good of ['4g', '512m', '${MEM:-4g}']) t.regex(good, pattern(memory!));
  for (const bad of ['4 GB', '4', '0']) t.notRegex(bad, pattern(memory!));
  for (const good of ['90s', '1h30m', 'none', '${T}']) t.regex(good, pattern(timeouts!.properties!.run!));
  t.notRegex('none', pattern(timeouts!.properties!.stop!));
});
