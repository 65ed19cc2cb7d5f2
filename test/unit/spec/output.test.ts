import test from 'ava';
import fc from 'fast-check';
import { outputProblems, schemaProblem } from '../../../src/spec/output-schema.ts';
import { asciiJson, maxOutputBytes, parseOutput } from '../../../src/spec/output-text.ts';

const parsed = (text: string) => (parseOutput(text) as { value: unknown }).value;

test('JSON in ASCII stands for the same value', t => {
  const json = fc.jsonValue({ maxDepth: 8, stringUnit: 'binary' });
  fc.assert(
    fc.property(json, value => {
      const text = asciiJson(value);
      t.regex(text, /^[\x20-\x7e]*$/);
      t.is(JSON.stringify(parsed(text)), JSON.stringify(value));
    }),
  );
});

test('hostile values stay values', t => {
  for (const text of [
    '{"__proto__":{"polluted":true},"constructor":1,"toString":[]}',
    '{"a":"\\u001b[31m\\u0000\\u202e\\ud800","b":"${HOME} $(id) ${agents.a.output} $& $1"}',
    JSON.stringify('x'.repeat(maxOutputBytes - 2)),
    '['.repeat(64) + ']'.repeat(64),
    '"[[[[{{{{"',
  ])
    t.is(JSON.stringify(JSON.parse(asciiJson(parsed(text)))), JSON.stringify(JSON.parse(text)));
  t.is(({} as Record<string, unknown>).polluted, undefined);
});

test('values that could not be handed on are refused', t => {
  const problemOf = (text: string) => (parseOutput(text) as { problem: string }).problem;
  t.is(problemOf('['.repeat(200_000)), 'is nested more than 64 levels deep');
  t.is(problemOf(`${'{"a":'.repeat(65)}1${'}'.repeat(65)}`), 'is nested more than 64 levels deep');
  t.is(problemOf('[1e999]'), 'has a number that is too large');
  t.is(problemOf(''), 'is not valid JSON');
  t.is(problemOf('{"a":1}x'), 'is not valid JSON');
});

test('a schema is checked, and a value by it, with the path of the problem', t => {
  t.is(schemaProblem({ type: 'object', properties: { a: { format: 'uri' } }, own: 1 }), null);
  t.is(schemaProblem({ $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' }), null);
  t.regex(schemaProblem({ type: 'objekt' })!, /^is not a valid JSON Schema: .*type must be/);
  t.regex(schemaProblem({ $ref: 'https://example.com/x' })!, /can't resolve reference/);
  const schema = {
    type: 'object',
    properties: { tasks: { type: 'array', items: { enum: ['a', 'b'] } } },
    required: ['tasks'],
    additionalProperties: false,
  };
  t.deepEqual(outputProblems(schema, { tasks: ['a', 'b'] }), []);
  t.deepEqual(outputProblems(schema, { tasks: ['c'] }), [
    'tasks[0]: must be equal to one of the allowed values: ["a","b"]',
  ]);
  t.deepEqual(outputProblems(schema, { tasks: [], 'x\u001b[31m': 1 }), [
    'must NOT have additional properties: "x\\u001b[31m"',
  ]);
});

test('properties are those of the value itself', t => {
  const schema = { type: 'object', required: ['toString'] };
  t.deepEqual(outputProblems(schema, {}), ["must have required property 'toString'"]);
  t.deepEqual(outputProblems({ ...schema, required: ['__proto__'] }, JSON.parse('{"__proto__":1}')), []);
});

test('a value that would take for ever to validate is refused', t => {
  t.deepEqual(outputProblems({ type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(60)}b`), [
    'it takes too long to validate',
  ]);
});
