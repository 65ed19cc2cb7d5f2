import test from 'ava';
import * as z from 'zod';
import { OutputError } from '../../../src/run/output-error.ts';
import type { Flow, runFlow } from '../../../src/run/run-flow.ts';
import { parseOutputs, withJsonSchemas } from '../../../src/run/typed-outputs.ts';
import type { StandardSchema, TypedResult } from '../../../src/run/typed-spec.ts';
import { SpecError } from '../../../src/spec/errors.ts';
import { parseSpec } from '../../../src/spec/load.ts';
import { resultOf } from '../../../src/state/result.ts';
import type { RunResult } from '../../../src/state/result-schema.ts';
import { at, attemptEnds, ends, enters, started, stateAfter } from '../_helpers/story.ts';

const plan = z.object({
  tasks: z.array(z.string()),
  due: z.string().transform(text => new Date(text)),
  effort: z.int().default(1),
});
const command = ['true'];
const spec = { agents: { plan: { command, output: { schema: plan } }, other: { command } } } as const;

/** A schema of a library of its own, with a JSON Schema or without. */
const ownSchema = (jsonSchema?: object): StandardSchema<string, number> & (() => void) =>
  Object.assign(() => {}, {
    '~standard': {
      version: 1 as const,
      vendor: 'own',
      ...(jsonSchema && { jsonSchema: { input: () => jsonSchema } }),
      validate: async (value: unknown) =>
        value === 'bad' ? { issues: [{ message: 'it is bad' }] } : { value: String(value).length },
    },
  });

/** The result of a run whose agent has this output. */
const resultWith = (agent: string, output: unknown) =>
  resultOf(
    stateAfter(
      started({ [agent]: [] }),
      enters(1, agent, 'running.working'),
      at(2, { type: 'agent.output', agent, attempt: 1, json: JSON.stringify(output) }),
      attemptEnds(3, agent),
      ends(4, agent),
    ),
  );

test('an agent is asked for the input of a schema of zod, and the result has its output', async t => {
  const { spec: plain, parsers } = withJsonSchemas(spec, 'flow.json');
  const loaded = await parseSpec(JSON.stringify(plain), { path: 'flow.json', env: {} });
  t.like(loaded.agents[0]?.output?.schema, {
    type: 'object',
    properties: { due: { type: 'string' }, tasks: { type: 'array', items: { type: 'string' } } },
    required: ['tasks', 'due'],
  });
  const written = { tasks: ['one'], due: '2026-12-01T00:00:00Z' };
  const result = await parseOutputs<typeof spec>(resultWith('plan', written), parsers);
  t.deepEqual(result.agents.plan.output, { tasks: ['one'], due: new Date(written.due), effort: 1 });
});

test('a schema of any library with a JSON Schema is used, also if it is a function', async t => {
  const given = { agents: { a: { command, output: { schema: ownSchema({ type: 'string' }) } } } } as const;
  const { spec: plain, parsers } = withJsonSchemas(given, 'flow.json');
  t.like(plain, { agents: { a: { output: { schema: { type: 'string' } } } } });
  const result = await parseOutputs<typeof given>(resultWith('a', 'four'), parsers);
  t.is(result.agents.a.output, 4);
  const error = await t.throwsAsync(parseOutputs(resultWith('a', 'bad'), parsers), {
    instanceOf: OutputError,
  });
  t.is(error.message, 'the output of a: it is bad');
  t.is(error.result.agents.a?.output, 'bad');
});

test('a schema without a JSON Schema, and one of an agent that becomes several, are refused', t => {
  const refused = (schema: StandardSchema, more: object = {}) =>
    t.throws(
      () => withJsonSchemas({ agents: { a: { command, output: { schema }, ...more } } }, 'flow.json'),
      { instanceOf: SpecError },
    ).problems[0];
  t.deepEqual(refused(ownSchema()), {
    path: 'agents.a.output.schema',
    message: 'the schema of own has no JSON Schema ("~standard.jsonSchema"). Pass a JSON Schema',
  });
  t.regex(refused(z.bigint())!.message, /^it cannot be expressed as a JSON Schema: /);
  t.regex(refused(plan, { matrix: { node: [20, 22] } })!.message, /"matrix"/);
});

test('a spec with JSON Schemas only, or that is none, stays as it is', async t => {
  const plain = { agents: { a: { command, output: { schema: { type: 'string' } } } } };
  t.deepEqual(withJsonSchemas(plain, 'flow.json').spec, plain);
  for (const wrong of [{}, { agents: null }, { agents: { a: null, b: { output: 7 } } }])
    t.deepEqual(withJsonSchemas(wrong as never, 'flow.json').spec, wrong);
  t.is((await parseOutputs(resultWith('a', 'x'), new Map())).agents.a?.output, 'x');
  // An agent that has not succeeded has no output.
  const { parsers } = withJsonSchemas(spec, 'flow.json');
  t.notThrows(() =>
    parseOutputs(resultOf(stateAfter(started({ plan: [] }), ends(1, 'plan', { status: 'failed' }))), parsers),
  );
});

test('the type of a result is that of the schemas of its spec', t => {
  type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
  type Typed = TypedResult<typeof spec>['agents'];
  const isOutput: Same<Typed['plan']['output'], z.output<typeof plan> | undefined> = true;
  const isUnknown: Same<NonNullable<Typed['other']>['output'], unknown> = true;
  const isResult: Same<TypedResult<'spec.json'>, RunResult> = true;
  const isPlain: Same<
    TypedResult<{ agents: { a: { output: { schema: { type: 'string' } } } } }>,
    RunResult
  > = true;
  const returned = (run: typeof runFlow) =>
    run({ agents: { plan: { command: ['true'], workspace: { mode: 'none' }, output: { schema: plan } } } });
  const isInferred: Same<Awaited<ReturnType<typeof returned>>['agents']['plan']['output'], typeof output> =
    true;
  const isFlow: ReturnType<typeof returned> extends Flow<infer _> ? true : false = true;
  t.true(isOutput && isUnknown && isResult && isPlain && isInferred && isFlow);
  // @ts-expect-error The output has no such property.
  const missing = (result: TypedResult<typeof spec>) => result.agents.plan.output?.missing;
  t.truthy(missing);
  // @ts-expect-error A command is not a number.
  const wrong = (run: typeof runFlow) => run({ agents: { a: { command: 7 } } });
  t.truthy(wrong);
});

declare const output: z.output<typeof plan> | undefined;
