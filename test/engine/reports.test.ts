import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parse, type TestSuites } from 'junit2json';
import { eventSchema, type RunEvent } from '../../src/events.ts';
import { initialFlowState, reduce } from '../../src/state/flow-state.ts';
import { resultOf } from '../../src/state/result.ts';
import { place, small } from './flow.ts';

const agent = (script: string, more: object = {}) => ({
  command: ['sh', '-c', script],
  workspace: 'workspace',
  ...small,
  ...more,
});
const spec = {
  name: 'mixed',
  agents: {
    good: agent('true'),
    bad: agent('echo oh no; exit 7'),
    slow: agent('sleep 300', { timeouts: { run: '1s' } }),
    flaky: agent('[ -e tried ] || { touch tried; exit 5; }', { retries: 1 }),
    after: agent('true', { dependsOn: ['bad'] }),
  },
};

/** The outcome of each agent, and its number of attempts. */
const expected = {
  good: ['succeeded', 0, 1],
  bad: ['failed', 7, 1],
  slow: ['timedOut', 124, 1],
  flaky: ['succeeded', 0, 2],
  after: ['skipped', null, 0],
} as const;

test('every report contains the same success, failure, timeout, retry and skipped dependant', async t => {
  const here = place(t);
  const summaryFile = join(here.path, 'summary.md');
  const env = { ...here.env, GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summaryFile };
  const args = ['--junit', 'junit.xml', '--events', 'events.ndjson'];
  const { exitCode, json, stderr } = await here.run(spec, args, { env });
  const read = (file: string) => readFileSync(join(here.path, file), 'utf8');
  const byAgent = <Row>(row: (name: string) => Row) =>
    Object.fromEntries(Object.keys(expected).map(name => [name, row(name)]));

  t.is(exitCode, 4);

  t.is(json.status, 'timedOut');
  const fromJson = (agents: typeof json.agents) =>
    byAgent(name => [agents[name].status, agents[name].exitCode, agents[name].attempts.length]);
  t.deepEqual(fromJson(json.agents), expected as never);

  const events = read('events.ndjson')
    .trimEnd()
    .split('\n')
    .map(line => eventSchema.parse(JSON.parse(line)) as RunEvent);
  t.deepEqual(events, here.journal());
  const state = events.reduce(reduce, initialFlowState);
  t.deepEqual(JSON.parse(JSON.stringify(resultOf(state))), json);
  t.is(state.ended?.exitCode, exitCode);

  const { testsuite } = (await parse(read('junit.xml'))) as TestSuites;
  const [suite] = testsuite!;
  t.like(suite, { name: 'mixed', tests: 5, failures: 2, errors: 0, skipped: 1 });
  const fromJunit = byAgent(name => {
    const found = suite!.testcase!.find(entry => entry.name === name)!;
    return found.failure ? found.failure[0]!.type : found.skipped ? 'skipped' : 'succeeded';
  });
  t.deepEqual(fromJunit, {
    good: 'succeeded',
    bad: 'exit',
    slow: 'timeout',
    flaky: 'succeeded',
    after: 'skipped',
  });

  const words = { succeeded: 'succeeded', failed: 'failed', timedOut: 'timed out', skipped: 'skipped' };
  for (const [name, [status, code, attempts]] of Object.entries(expected)) {
    const cells = `${name} +${words[status]} +${code ?? '-'} +${attempts} `;
    t.regex(stderr, new RegExp(`^${cells}`, 'm'), name);
    const row = `\\| \`${name}\` \\| ${words[status]} \\| ${code ?? '[^|]*'} \\| ${attempts} \\|`;
    t.regex(read('summary.md'), new RegExp(row), name);
  }
  t.regex(stderr, /: 2 succeeded, 1 failed, 1 timed out, 1 skipped in /);

  const annotated = [...stderr.matchAll(/^::(error|warning) title=([^:]*)::/gm)].map(
    ([, level, title]) => `${level} ${/\w+/.exec(title!)![0]}`,
  );
  t.deepEqual(annotated.sort(), ['error bad', 'error slow', 'warning flaky']);
});
