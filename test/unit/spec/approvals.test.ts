import test from 'ava';
import { approveOf, membersOf } from '../../../src/spec/members.ts';
import { planSchema } from '../../../src/spec/plan-schema.ts';
import { parse, problems } from '../_helpers/spec.ts';

const a = { command: ['x'] };
const approve = { prompt: 'Merge?' };

test('an approval has a prompt, a timeout and a default', async t => {
  const plan = await parse({
    agents: {
      a,
      go: { approve, dependsOn: ['a'], when: "agents.a.status == 'succeeded'" },
      b: { ...a, dependsOn: ['go'] },
      last: { approve: { prompt: 'Really?', timeout: '90s', default: 'approve' } },
    },
  });
  t.deepEqual(plan.approvals, [
    {
      ...{ name: 'go', index: 1, dependsOn: ['a'], when: "agents.a.status == 'succeeded'" },
      ...{ prompt: 'Merge?', timeout: 86_400_000, onTimeout: 'reject' },
    },
    { name: 'last', index: 3, dependsOn: [], prompt: 'Really?', timeout: 90_000, onTimeout: 'approve' },
  ]);
  t.deepEqual(
    membersOf(plan).map(({ name }) => name),
    ['a', 'go', 'b', 'last'],
  );
  t.deepEqual(approveOf(membersOf(plan)[3]!), {
    approve: { prompt: 'Really?', timeout: 90_000, onTimeout: 'approve' },
  });
  t.deepEqual(approveOf(membersOf(plan)[0]!), {});
  t.true(planSchema.safeParse(JSON.parse(JSON.stringify(plan))).success);
});

test('defaults do not apply to an approval, and a matrix makes several', async t => {
  const plan = await parse({
    defaults: { provider: 'claude', prompt: 'Fix it.', retries: 2, network: 'none' },
    agents: { a: {}, go: { approve: { prompt: 'To ${matrix.to}?' }, matrix: { to: ['test', 'live'] } } },
  });
  t.deepEqual(
    plan.approvals?.map(({ name, prompt, matrix }) => [name, prompt, matrix]),
    [
      ['go-test', 'To test?', { to: 'test' }],
      ['go-live', 'To live?', { to: 'live' }],
    ],
  );
});

test('an approval runs nothing, and is not alone', async t => {
  const found = await problems({ agents: { a, go: { approve, command: ['x'], retries: 1 } } });
  t.deepEqual(
    found.map(line => line.split(':')[0]),
    ['agents.go.command', 'agents.go.retries'],
  );
  t.regex(found[0]!, /an approval runs nothing/);
  t.regex(
    (await problems({ agents: { go: { approve } } }))[0]!,
    /expected at least one agent beside approvals/,
  );
  t.regex((await problems({ agents: { a, go: { approve: {} } } }))[0]!, /prompt: missing/);
  t.regex((await problems({ defaults: { approve }, agents: { a } }))[0]!, /cannot be shared/);
  const clone = { workspace: { mode: 'clone', path: '.', from: 'go' } };
  const from = await problems({
    defaults: { workspace: { mode: 'clone', path: '.' } },
    agents: { go: { approve }, a: { ...a, ...clone, dependsOn: ['go'] } },
  });
  t.true(from.length > 0);
});

test('a plan whose approvals have the name of an agent is refused', async t => {
  const plan = await parse({ agents: { a, go: { approve } } });
  const twice = { ...plan, approvals: [{ ...plan.approvals![0]!, name: 'a' }] };
  t.false(planSchema.safeParse(twice).success);
});

test('a question has no values of others, and others read only the status of an approval', async t => {
  const go = { approve, dependsOn: ['a'] };
  const plan = await parse({
    agents: {
      a,
      go,
      page: { command: ['x', '${agents.go.status}'] },
      undo: { command: ['x'], when: "agents.go.kind == 'rejected'" },
    },
  });
  t.like(plan.agents[1], { dependsOn: ['go'], on: { go: 'ended' }, inputs: ['agents.go.status'] });
  t.like(plan.agents[2], { dependsOn: ['go'], on: { go: 'ended' } });
  const asking = { approve: { prompt: 'Merge ${agents.a.branch}?' }, dependsOn: ['a'] };
  t.deepEqual(await problems({ agents: { a, go: asking } }), [
    'agents.go.approve.prompt: "Merge ${agents.a.branch}?": ${agents.a.branch} is not replaced in an approval; write $${agents.a.branch} for the text',
  ]);
  const literal = await parse({ agents: { a, go: { approve: { prompt: '$${agents.a.branch}?' } } } });
  t.is(literal.approvals![0]!.prompt, '${agents.a.branch}?');
  for (const field of ['output', 'exitCode', 'branch'])
    t.regex(
      (await problems({ agents: { a, go, b: { command: ['x', `\${agents.go.${field}}`] } } }))[0]!,
      /^agents\.b\.command\[1\]: .*"go" is an approval, which has a status only/,
    );
  t.regex(
    (await problems({ agents: { a, go, b: { ...a, when: 'agents.go.output == null' } } }))[0]!,
    /"go" is an approval, which has no output/,
  );
  t.regex(
    (await problems({ agents: { a, go: { ...go, output: { schema: {} } } } }))[0]!,
    /^agents\.go\.output: an approval runs nothing/,
  );
});

test('an approval and the agent that reads its status cannot wait for each other', async t => {
  const go = { approve, dependsOn: ['b'] };
  t.true((await problems({ agents: { b: { command: ['x', '${agents.go.status}'] }, go } })).length > 0);
});

test('a stored approval with references is refused', async t => {
  const plan = await parse({ agents: { a, go: { approve } } });
  const reading = { ...plan.approvals![0]!, inputs: ['agents.a.status'] };
  t.false(planSchema.safeParse({ ...plan, approvals: [reading] }).success);
});
