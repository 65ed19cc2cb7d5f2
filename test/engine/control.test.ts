import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parse, type TestSuites } from 'junit2json';
import { place, small } from './flow.ts';

const agent = (name: string, more: object = {}, end = 'exit 0') => ({
  command: ['sh', '-c', `echo ${name} >>order; ${end}`],
  workspace: 'workspace',
  ...small,
  ...more,
});

const spec = {
  name: 'control',
  agents: {
    a: agent('a', {}, 'exit 7'),
    rescue: agent('rescue', { dependsOn: [{ agent: 'a', on: 'failed' }] }),
    report: agent('report', { dependsOn: [{ agent: 'never', on: 'ended' }] }),
    never: agent('never', { when: 'agents.a.status == "succeeded"' }),
    chosen: agent('chosen', { when: 'agents.a.exitCode == 7 && agents.rescue.status == "succeeded"' }),
    broken: agent('broken', { when: 'agents.never.exitCode > 1' }),
    unneeded: agent('unneeded', { dependsOn: [{ agent: 'rescue', on: 'failed' }] }),
    test: agent('test-${matrix.node}', { matrix: { node: [20, 22] } }),
    last: agent('last', { dependsOn: ['test'] }),
  },
};

/** The status of each agent, and the reason if it was not started. */
const expected = {
  a: ['failed', 'exited with 7'],
  rescue: ['succeeded', null],
  report: ['succeeded', null],
  never: ['skipped', 'when: agents.a.status == "succeeded" is false'],
  chosen: ['succeeded', null],
  broken: ['failed', 'when: agents.never.exitCode > 1: at character 1: no such overload: dyn<null> > int'],
  unneeded: ['skipped', 'runs only if rescue fails: rescue succeeded'],
  'test-20': ['succeeded', null],
  'test-22': ['succeeded', null],
  last: ['succeeded', null],
} as const;

test('agents start by results, conditions and matrices, and every report has the reasons', async t => {
  const here = place(t);
  const { exitCode, json, stderr } = await here.run(spec, ['--junit', 'junit.xml']);
  t.is(exitCode, 1, stderr);
  t.is(json.status, 'failed');
  const outcomes = Object.entries(expected).map(([name]) => {
    const { status, error } = json.agents[name];
    return [name, [status, error?.message ?? null]];
  });
  t.deepEqual(Object.fromEntries(outcomes), expected as never);
  t.deepEqual(json.agents['test-20'].matrix, { node: 20 });
  t.is(json.agents.broken.error.kind, 'when');
  t.deepEqual(Object.keys(json.agents), Object.keys(expected).toSorted(bySpec));

  const order = readFileSync(join(here.workspace, 'order'), 'utf8').trimEnd().split('\n');
  t.deepEqual(order.toSorted(), ['a', 'chosen', 'last', 'report', 'rescue', 'test-20', 'test-22']);
  t.true(order.indexOf('a') < order.indexOf('rescue') && order.indexOf('rescue') < order.indexOf('chosen'));
  t.true(order.indexOf('last') > Math.max(order.indexOf('test-20'), order.indexOf('test-22')));

  const { testsuite } = (await parse(readFileSync(join(here.path, 'junit.xml'), 'utf8'))) as TestSuites;
  const [suite] = testsuite!;
  t.like(suite, { tests: 10, failures: 2, errors: 0, skipped: 2 });
  const reasons = suite!.testcase!.flatMap(({ name, skipped, failure }) => {
    const { message } = skipped?.[0] ?? failure?.[0] ?? {};
    return message === undefined ? [] : [[name, message]];
  });
  const ofExpected = Object.entries(expected).filter(([, [, reason]]) => reason !== null);
  t.deepEqual(
    Object.fromEntries(reasons),
    Object.fromEntries(ofExpected.map(([name, [, reason]]) => [name, reason])),
  );
  for (const [name, [status, reason]] of ofExpected) {
    t.true(stderr.includes(`${name.padEnd(8)}  ${status}: ${reason}`), `the line of ${name} in ${stderr}`);
  }
  t.regex(stderr, /chosen {4}when: agents\.a\.exitCode == 7 && .* is true\n/);

  const conditions = here.journal().filter(event => event.type === 'agent.condition');
  t.deepEqual(Object.fromEntries(conditions.map(({ agent, holds }) => [agent, holds])), {
    never: false,
    chosen: true,
    broken: null,
  });
  t.deepEqual(await here.containers(), []);
});

/** The order of the spec, in which the agents of a matrix take its place. */
const names = [
  'a',
  'rescue',
  'report',
  'never',
  'chosen',
  'broken',
  'unneeded',
  'test-20',
  'test-22',
  'last',
];
const bySpec = (a: string, b: string) => names.indexOf(a) - names.indexOf(b);

test('a run of which agents were only skipped by their conditions has succeeded', async t => {
  const here = place(t);
  const { exitCode, json } = await here.run({
    agents: { a: agent('a'), b: agent('b', { when: 'agents.a.status != "succeeded"' }) },
  });
  t.is(exitCode, 0);
  t.is(json.status, 'succeeded');
  t.is(json.agents.b.status, 'skipped');
});

test('--plan prints the commands of every agent with what it needs, and starts nothing', async t => {
  const here = place(t);
  const file = here.write(spec);
  const { exitCode, stdout } = await here.agentFlow(['run', file, '--plan']);
  t.is(exitCode, 0);
  const headings = stdout.split('\n').filter(line => /^# (?!control|Agents)/.test(line));
  for (const heading of [
    '# rescue: only if a failed',
    '# report: whatever the result of never',
    '# never: whatever the result of a; only when agents.a.status == "succeeded"',
    '# test-22 (node 22)',
  ])
    t.true(headings.includes(heading), `${heading} in ${headings.join('\n')}`);
  t.false(existsSync(join(here.workspace, 'order')));
  const { json } = await here.agentFlow(['run', file, '--plan', '--json']);
  t.like(
    json.agents.find(({ name }: { name: string }) => name === 'rescue'),
    { dependsOn: ['a'], on: { a: 'failed' } },
  );
});
