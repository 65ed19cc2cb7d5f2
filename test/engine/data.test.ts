import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parse, type TestSuites } from 'junit2json';
import { killedAtLine, place, small } from './flow.ts';

const schema = {
  type: 'object',
  properties: { title: { type: 'string' }, tasks: { type: 'array', items: { type: 'string' } } },
  required: ['title'],
};
const hostile = '$(touch pwned) `touch pwned` ${HOME} ${agents.plan.output.tasks} \'"\n\u001b[31m\u202e end';

/** An agent that writes this value as its output. */
const writes = (value: unknown, more: object = {}) => ({
  command: ['sh', '-c', 'printf %s "$VALUE" >"$AGENT_OUTPUT_FILE"'],
  env: { VALUE: JSON.stringify(value).replaceAll('${', () => '$${') },
  output: { schema },
  workspace: 'workspace',
  ...small,
  ...more,
});

test('an agent reads the output of another, as arguments, variables, prompt and in a condition', async t => {
  const here = place(t);
  const output = { title: hostile, tasks: ['one', 'two'] };
  const show = 'printf "%s\\0" "$@" "$TASK" "$(cat "$AGENT_PROMPT_FILE")" >read';
  const reader = {
    command: ['sh', '-c', show, 'sh', '${agents.plan.output.title}', '${agents.plan.output.tasks}'],
    env: { TASK: 'do ${agents.plan.output.tasks.1}' },
    prompt: '${agents.plan.status} with ${agents.plan.exitCode}',
    workspace: 'workspace',
    ...small,
  };
  const { exitCode, json, stderr } = await here.run(
    {
      agents: {
        plan: writes(output),
        work: reader,
        chosen: {
          command: ['true'],
          workspace: 'workspace',
          when: 'agents.plan.output.tasks.size() == 2',
          ...small,
        },
        never: {
          command: ['true'],
          workspace: 'workspace',
          when: 'agents.plan.output.title == "other"',
          ...small,
        },
        missing: { command: ['echo', '${agents.plan.output.other}'], workspace: 'workspace', ...small },
      },
    },
    ['--junit', 'junit.xml'],
  );
  t.is(exitCode, 1, stderr);
  t.deepEqual(readFileSync(join(here.workspace, 'read'), 'utf8').split('\0'), [
    hostile,
    '["one","two"]',
    'do two',
    'succeeded with 0',
    '',
  ]);
  t.deepEqual(json.agents.plan.output, output);
  t.is(json.agents.work.status, 'succeeded');
  t.false('output' in json.agents.work);
  t.is(json.agents.chosen.status, 'succeeded');
  t.is(json.agents.never.status, 'skipped');
  t.like(json.agents.missing, { status: 'failed', error: { kind: 'reference' }, attempts: [] });
  t.regex(stderr, /plan +output: \{"title":"/);
  t.regex(stderr, /work +reads agents\.plan\.status, agents\.plan\.exitCode, /);
  t.false(stderr.includes('\u001b[31m') || stderr.includes('\u202e'));
  const { testsuite } = (await parse(readFileSync(join(here.path, 'junit.xml'), 'utf8'))) as TestSuites;
  const [planned] = testsuite![0]!.testcase!;
  t.true(JSON.stringify(planned).includes('tasks'));
  const junit = readFileSync(join(here.path, 'junit.xml'), 'utf8');
  t.false(junit.includes('\u001b') || junit.includes('\u202e'));
  t.deepEqual(await here.containers(), []);
});

test('an agent without a valid output fails, keeps its exit code, and what needs it is skipped', async t => {
  const here = place(t);
  const { exitCode, json } = await here.run({
    agents: {
      none: { ...writes(null), command: ['true'] },
      wrong: writes({ title: 7 }, { retries: 1 }),
      link: { ...writes(null), command: ['sh', '-c', 'ln -s /etc/hostname "$AGENT_OUTPUT_FILE"'] },
      large: { ...writes(null), command: ['sh', '-c', 'head -c 300000 /dev/zero >"$AGENT_OUTPUT_FILE"'] },
      failed: writes(
        { title: 'x' },
        { command: ['sh', '-c', 'printf %s "$VALUE" >"$AGENT_OUTPUT_FILE"; exit 3'] },
      ),
      reader: { command: ['echo', '${agents.wrong.output.title}'], workspace: 'workspace', ...small },
    },
  });
  t.is(exitCode, 1);
  const errors = Object.entries<{ error: { kind: string; message: string } }>(json.agents);
  t.deepEqual(Object.fromEntries(errors.map(([name, { error }]) => [name, [error.kind, error.message]])), {
    none: ['output', 'it has written no output to $AGENT_OUTPUT_FILE, /run/agent/output.json'],
    wrong: ['output', 'its output does not match its schema: title: must be string'],
    link: ['output', 'its output is not a regular file'],
    large: ['output', 'its output is larger than 256 KiB'],
    failed: ['exit', 'exited with 3'],
    reader: ['dependency', 'depends on wrong, which did not succeed'],
  });
  t.is(json.agents.wrong.exitCode, 0);
  t.is(json.agents.wrong.attempts.length, 2);
  t.false(JSON.stringify(json.agents).includes('"output":{'));
});

test('keys of prototypes, a megabyte and 10,000 items are data', async t => {
  const here = place(t);
  const keys = JSON.parse(
    '{"title": "x", "__proto__": {"polluted": "yes"}, "constructor": {"prototype": {"polluted": "yes"}}, "toString": 7}',
  ) as object;
  const many = `{ printf '{"title":"x","tasks":['; seq -f '"t%.0f",' 9999 | tr -d '\\n'; printf '"last"]}'; } >"$AGENT_OUTPUT_FILE"`;
  const megabyte = `{ printf '{"title":"'; head -c 1048576 /dev/zero | tr '\\0' x; printf '"}'; } >"$AGENT_OUTPUT_FILE"`;
  const show = 'printf "%s\\n" "$@" "$PROTO" "$(cat "$AGENT_PROMPT_FILE")" >read-keys';
  const reader = { workspace: 'workspace', ...small };
  const { exitCode, json, stderr } = await here.run({
    agents: {
      keys: writes(keys),
      many: { ...writes(null), command: ['sh', '-c', many] },
      megabyte: { ...writes(null), command: ['sh', '-c', megabyte] },
      keysreader: {
        command: ['sh', '-c', show, 'sh', '${agents.keys.output.constructor.prototype.polluted}'],
        env: { PROTO: '${agents.keys.output.__proto__.polluted}' },
        prompt: '${agents.keys.output.toString}',
        ...reader,
      },
      inherited: { command: ['echo', '${agents.many.output.__proto__}'], ...reader },
      manyreader: {
        command: ['sh', '-c', 'printf %s "$1" >read-many', 'sh', '${agents.many.output.tasks}'],
        env: { LAST: '${agents.many.output.tasks.9999}' },
        when: 'agents.many.output.tasks.size() == 10000 && agents.keys.output.title == "x"',
        ...reader,
      },
    },
  });
  t.is(exitCode, 1, stderr);
  t.deepEqual(json.agents.megabyte.error.message, 'its output is larger than 256 KiB');
  t.is(JSON.stringify(json.agents.keys.output), JSON.stringify(keys));
  t.is(json.agents.many.output.tasks.length, 10_000);
  t.is(readFileSync(join(here.workspace, 'read-keys'), 'utf8'), 'yes\nyes\n7\n');
  t.like(json.agents.inherited, { status: 'failed', error: { kind: 'reference' }, attempts: [] });
  t.is(json.agents.manyreader.status, 'succeeded', stderr);
  t.deepEqual(
    JSON.parse(readFileSync(join(here.workspace, 'read-many'), 'utf8')),
    json.agents.many.output.tasks,
  );
  t.is(({} as { polluted?: string }).polluted, undefined);
  const longest = Math.max(...stderr.split('\n').map(line => line.length));
  t.true(longest < 1_000, `a line has ${longest} characters`);
});

test('a run that is killed between the two agents hands on the same values when it is resumed', async t => {
  const here = place(t);
  const file = here.write({
    agents: {
      plan: writes({ title: 'kept', tasks: [] }),
      work: {
        command: [
          'sh',
          '-c',
          'until [ -e go ]; do sleep 0.1; done; printf %s "$1" >read',
          'sh',
          '${agents.plan.output.title}',
        ],
        workspace: 'workspace',
        ...small,
      },
    },
  });
  await killedAtLine(here, file, /work +reads /);
  const inputs = () => here.journal().filter(event => event.type === 'agent.inputs');
  t.is(inputs().length, 1);
  writeFileSync(join(here.workspace, 'go'), '');
  const { exitCode, json } = await here.agentFlow(['resume', here.runId()!, '--json']);
  t.is(exitCode, 0);
  t.deepEqual(json.agents.plan.output, { title: 'kept', tasks: [] });
  t.is(readFileSync(join(here.workspace, 'read'), 'utf8'), 'kept');
  t.is(inputs().length, 1);
  t.is(here.journal().filter(event => event.type === 'agent.output').length, 1);
});

test('--plan shows the references, which are not known before the run', async t => {
  const here = place(t);
  const file = here.write({
    agents: {
      plan: writes({ title: 'x' }),
      work: { command: ['echo', '${agents.plan.output.title}'], workspace: 'workspace', ...small },
    },
  });
  const { exitCode, stdout } = await here.agentFlow(['run', file, '--plan']);
  t.is(exitCode, 0);
  t.true(
    stdout.includes(
      '# Values of other agents and of items, ${agents.…} and ${item}, are not known before the run.',
    ),
  );
  t.true(stdout.includes('# work: reads agents.plan.output.title'));
  t.true(stdout.includes("'${agents.plan.output.title}'"));
});
