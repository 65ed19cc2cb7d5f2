import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parse, type TestSuites } from 'junit2json';
import { killedAtLine, place, small } from './flow.ts';

const hostile = '$(touch pwned) `touch pwned` ${HOME} ${item} \'"\n\u001b[31m';
const tasks = Array.from({ length: 12 }, (_, index) => ({
  title: index === 4 ? hostile : `task ${index + 1}`,
}));

/** An agent that finds twelve tasks. */
const planner = {
  command: ['sh', '-c', 'printf %s "$TASKS" >"$AGENT_OUTPUT_FILE"'],
  env: { TASKS: JSON.stringify({ tasks }).replaceAll('${', () => '$${') },
  output: {
    schema: { type: 'object', properties: { tasks: { type: 'array' } }, required: ['tasks'] },
  },
  workspace: 'workspace',
  ...small,
};

const flow = {
  concurrency: 4,
  agents: {
    plan: planner,
    fix: {
      command: [
        'sh',
        '-c',
        'printf "%s" "$1" >title; printf \'{"index": %s}\' "$2" >"$AGENT_OUTPUT_FILE"; test ! -e pwned',
        ...['sh', '${item.title}', '${index}'],
      ],
      ...{ forEach: '${agents.plan.output.tasks}', max: 20, output: { schema: { type: 'object' } } },
      ...{ workspace: { mode: 'copy', path: 'workspace' }, artifacts: ['title'], ...small },
    },
    last: {
      command: ['sh', '-c', 'printf "%s" "$1" >read', 'sh', '${agents.fix.output}'],
      ...{ workspace: 'workspace', ...small },
    },
  },
};

test('a planner that finds twelve tasks gets twelve agents, and the last one reads all outputs', async t => {
  const here = place(t);
  const { exitCode, json, stderr } = await here.run(flow, ['--junit', 'junit.xml']);
  t.is(exitCode, 0, stderr);
  const names = tasks.map((_, index) => `fix-${index + 1}`);
  t.deepEqual(Object.keys(json.agents), ['plan', 'fix', ...names, 'last']);
  t.deepEqual(json.agents.fix.agents, names);
  t.like(json.agents.fix, { status: 'succeeded', attempts: [] });
  const outputs = names.map((_, index) => ({ index: index + 1 }));
  t.deepEqual(json.agents.fix.output, outputs);
  t.deepEqual(JSON.parse(readFileSync(join(here.workspace, 'read'), 'utf8')), outputs);
  t.deepEqual(json.agents['fix-5'].item, tasks[4]);
  t.is(readFileSync(json.agents['fix-5'].artifacts[0], 'utf8'), hostile);
  t.regex(stderr, /fix +becomes 12 agents: fix-1 to fix-12/);
  const suites = (await parse(readFileSync(join(here.path, 'junit.xml'), 'utf8'))) as TestSuites;
  t.deepEqual(
    suites.testsuite?.[0]?.testcase?.map(({ name }) => name),
    Object.keys(json.agents),
  );
});

test('a run that is killed after the expansion has the same agents when it is resumed, and stops them by name', async t => {
  const here = place(t);
  const waits = {
    ...{ workspace: 'workspace', ...small },
    command: [
      'sh',
      '-c',
      'until [ -e go ]; do sleep 0.1; done; echo "$1" >"read-$2"',
      'sh',
      '${item}',
      '${index}',
    ],
  };
  const file = here.write({
    concurrency: 2,
    agents: {
      plan: { ...planner, env: { TASKS: '{"tasks": ["a", "b", "c"]}' } },
      fix: { ...waits, forEach: '${agents.plan.output.tasks}' },
      last: {
        command: ['true'],
        dependsOn: [{ agent: 'fix', on: 'ended' }],
        workspace: 'workspace',
        ...small,
      },
    },
  });
  await killedAtLine(here, file, /fix-1 +running/);
  const stopped = await here.agentFlow(['stop', `${here.runId()}/fix-3`]);
  t.is(stopped.exitCode, 0, stopped.stderr);
  writeFileSync(join(here.workspace, 'go'), '');
  const { exitCode, json, stderr } = await here.agentFlow(['resume', here.runId()!, '--json']);
  t.is(exitCode, 1, stderr);
  t.deepEqual(Object.keys(json.agents), ['plan', 'fix', 'fix-1', 'fix-2', 'fix-3', 'last']);
  t.is(json.agents['fix-3'].status, 'cancelled');
  t.is(json.agents.fix.status, 'cancelled');
  t.is(json.agents.last.status, 'succeeded');
  t.is(readFileSync(join(here.workspace, 'read-2'), 'utf8'), 'b\n');
  t.is(json.agents['fix-1'].attempts.length, 1);
  t.is(here.journal().filter(event => event.type === 'agent.expanded').length, 1);
  t.is((await here.agentFlow(['logs', `${here.runId()}/fix-2`])).exitCode, 0);
  t.deepEqual(await here.containers(), []);
});
