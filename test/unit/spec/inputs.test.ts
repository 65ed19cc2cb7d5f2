import test from 'ava';
import fc from 'fast-check';
import { fillInputs, type InputSource, readInputs, unfilled } from '../../../src/spec/fill-inputs.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { asTemplate, fillTemplate } from '../../../src/spec/templates.ts';
import { parse, problems } from '../_helpers/spec.ts';

const schema = {
  type: 'object',
  properties: { title: { type: 'string' }, tasks: { type: 'array', items: { type: 'object' } } },
  additionalProperties: false,
};
const flow = (work: object, more: object = {}) => ({
  agents: { plan: { command: ['x'], output: { schema } }, work: { command: ['x'], ...work }, ...more },
});

/** Return the plan of `work`, which reads values of `plan`. */
async function worker(work: object, env: Readonly<Record<string, string>> = {}): Promise<AgentPlan> {
  return (await parse(flow(work), env)).agents[1]!;
}

const source = (output: unknown): InputSource => ({
  status: 'succeeded',
  exitCode: 0,
  branch: null,
  output: JSON.stringify(output),
});

function fill(plan: AgentPlan, output: unknown) {
  const read = readInputs(plan, new Map([['plan', source(output)]]));
  if ('problem' in read) return read.problem;
  // As a journal stores them.
  const { command, env, prompt } = fillInputs(plan, JSON.parse(JSON.stringify(read.values)));
  return { command, env, prompt };
}

test('values are parts of prompts, arguments and variables, and make dependencies', async t => {
  const plan = await worker({
    command: [
      'echo',
      'T: ${agents.plan.output.title}',
      '${agents.plan.output.tasks.1.n}',
      '${agents.plan.output}',
    ],
    env: { TASKS: '${agents.plan.output.tasks}', CODE: '${agents.plan.exitCode}' },
    prompt: '${agents.plan.status}!',
  });
  t.deepEqual(plan.dependsOn, ['plan']);
  t.false('on' in plan);
  t.deepEqual(fill(plan, { title: 'a', tasks: [{ n: 1 }, { n: 2 }] }), {
    command: ['echo', 'T: a', '2', '{"title":"a","tasks":[{"n":1},{"n":2}]}'],
    env: { TASKS: '[{"n":1},{"n":2}]', CODE: '0' },
    prompt: 'succeeded!',
  });
});

test('a status alone does not need a success, unless dependsOn says so', async t => {
  const reads = { command: ['${agents.plan.status}'] };
  t.deepEqual((await worker(reads)).on, { plan: 'ended' });
  t.false('on' in (await worker({ ...reads, dependsOn: ['plan'] })));
});

test('every value arrives unchanged, and is not looked at again', async t => {
  const plan = await worker({ command: ['x', '${agents.plan.output.title}'] });
  const hostile = fc.constantFrom(
    '${agents.plan.output.title}',
    '$${agents.plan.output.title}',
    '${agents.}',
    '$& $1 $$',
    '${HOME} $(id) `id`',
    '\u001b]0;x\u0007\u202e',
    "'; id; '",
    '__proto__',
  );
  const text = fc.oneof(hostile, fc.string({ unit: 'binary' })).filter(value => !value.includes('\0'));
  fc.assert(
    fc.property(text, title => {
      t.deepEqual(fill(plan, { title }), { command: ['x', title], env: {}, prompt: null });
    }),
  );
});

test('text from elsewhere never becomes a reference', t => {
  const text = fc
    .array(fc.constantFrom('$', '{', '}', '${', 'agents.', '${agents.', '${agents.a.output}', 'x'))
    .map(parts => parts.join(''));
  fc.assert(
    fc.property(text, value =>
      t.is(
        fillTemplate(asTemplate(value), () => 'FILLED'),
        value,
      ),
    ),
  );
});

test('the environment and the escaped form are text, with and without references', async t => {
  const env = { X: '${agents.plan.output.title}', CURRENCY: '$' };
  const literal = ['$${agents.plan.output.title}', '${X}'];
  const expected = ['${agents.plan.output.title}', '${agents.plan.output.title}'];
  t.deepEqual((await worker({ command: literal }, env)).command, expected);
  const own = { command: ['x', '$${agents.plain.output.x}'] };
  const { agents } = await parse(flow({ command: ['${agents.plan.output}'] }, { plain: own }));
  t.deepEqual(agents[2]!.command, ['x', '${agents.plain.output.x}']);
  const reader = await worker({ command: [...literal, '${CURRENCY}${agents.plan.output.title}'] }, env);
  t.like(fill(reader, { title: 'T' }), { command: [...expected, '$T'] });
  t.deepEqual(unfilled(reader).command, [...expected, '$${agents.plan.output.title}']);
});

test('defaults stand for themselves in an agent with references', async t => {
  const spec = flow({ args: undefined, env: { A: '${agents.plan.output.title}' } });
  const { agents } = await parse({ ...spec, defaults: { env: { B: '$${agents.plan.output.title}' } } });
  t.like(fill(agents[1]!, { title: 'T' }), { env: { A: 'T', B: '${agents.plan.output.title}' } });
});

test('a value that does not exist, is null or does not fit has a reason', async t => {
  const plan = await worker({ command: ['x', '${agents.plan.output.title}'] });
  const missing =
    '${agents.plan.output.title} has no value: the output of plan does not have it, or it is null';
  for (const output of [{}, { title: null }, [], 'title', JSON.parse('{"__proto__":{"title":"x"}}')])
    t.is(fill(plan, output), missing);
  t.regex(String(fill(plan, { title: 'a\0b' })), /NUL character/);
  t.regex(String(fill(plan, { title: 'x'.repeat(131_072) })), /larger than 128 KiB/);
  const failed = { status: 'failed', exitCode: null, branch: null, output: null };
  t.deepEqual(readInputs(await worker({ command: ['${agents.plan.branch}'] }), new Map([['plan', failed]])), {
    problem: '${agents.plan.branch} has no value: plan has no branch; its status is failed',
  });
});

test('references are checked when the spec is loaded', async t => {
  const messages = await problems(
    flow(
      {
        command: [
          '${agents.pln.output}',
          '${agents.plan.output.titel}',
          '${agents.plan.outputs}',
          '${agents.b.output}',
        ],
        image: '${agents.plan.output.title}',
        env: { A: '${agents.work.status}' },
      },
      { b: { command: ['x'], when: 'agents.c.output.a == 1' }, c: { command: ['x'] } },
    ),
  );
  t.deepEqual(
    messages.map(message => message.replace(/"\$\{.*?\}": /, '')),
    [
      'agents.work.command[0]: ${agents.pln.output}: no agent is named "pln"; did you mean "plan"?',
      'agents.work.command[1]: ${agents.plan.output.titel}: the schema of "plan" has no "titel"; did you mean "title"?',
      'agents.work.command[2]: ${agents.plan.outputs} is not valid; expected ${agents.NAME.output}, ${agents.NAME.output.KEY}, or status, exitCode or branch in place of output; write $${agents.plan.outputs} for the text',
      'agents.work.command[3]: ${agents.b.output}: "b" has no "output"; give it one with a schema',
      'agents.work.image: ${agents.plan.output.title} is replaced only in "prompt", "env", "args" and "command" of an agent; write $${agents.plan.output.title} for the text',
      'agents.work.env.A: ${agents.work.status}: an agent cannot wait for itself; name another one',
      'agents.b.when: "agents.c.output.a == 1": "c" has no "output"; give it one with a schema',
    ],
  );
  const cycle = await problems(
    flow({ command: ['${agents.b.status}'] }, { b: { command: ['${agents.work.status}'] } }),
  );
  t.regex(cycle.join(), /a cycle, in which each waits for the next: work → b → work/);
  const address = {
    provider: 'claude',
    prompt: 'x',
    env: { ANTHROPIC_BASE_URL: '${agents.plan.output.title}' },
  };
  t.regex(
    (await problems(flow({}, { b: address }))).join(),
    /ANTHROPIC_BASE_URL configures claude: its value cannot come from another agent/,
  );
});

test('the schema of an output is checked, and an AI CLI gets it in its prompt', async t => {
  const messages = await problems({
    agents: {
      a: { command: ['x'], output: { schema: { type: 'objekt' } } },
      b: { command: ['x'], output: { schemaFile: 'missing.json' } },
      c: { command: ['x'], output: {} },
      d: { command: ['x'], output: { schema: { description: 'x'.repeat(70_000) } } },
    },
  });
  t.is(messages.length, 4);
  for (const [index, part] of [
    'is not a valid JSON Schema',
    'does not exist',
    'one of the two',
    'larger than 64 KiB',
  ].entries())
    t.true(messages[index]!.includes(part), messages[index]);
  const ai = { provider: 'claude', prompt: 'Plan ${agents.plan.output.title}', output: { schema } };
  const { agents } = await parse(flow({}, { ai }));
  const prompt = agents[2]!.prompt!;
  t.true(prompt.startsWith('Plan ${agents.plan.output.title}\n\nBefore you finish'));
  t.true(prompt.includes('/run/agent/output.json') && prompt.includes(JSON.stringify(schema)));
});
