import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { createCli, writeRun } from '../_helpers/command-line.ts';
import { ends, enters, started } from '../_helpers/story.ts';
import { readMermaid } from './grammar.ts';

test('graph prints the agent machine by default, another machine or a spec, in each format', async t => {
  const { path, run } = createCli(t);
  writeFileSync(
    join(path, 'spec.json'),
    '{"name": "two", "agents": {"one": {"command": ["a"]}, "end": {"command": ["b"], "dependsOn": ["one"]}}}',
  );
  t.true(readMermaid((await run(['graph'])).stdout).nodes.has('startup'));
  const flow = readMermaid((await run(['graph', '--machine', 'flow'])).stdout);
  t.true(flow.edges.some(({ to }) => to === 'cancelling'));
  t.regex((await run(['graph', 'spec.json', '--format', 'svg'])).stdout, /^<svg .*>one<.*<\/svg>$/s);
  const { stdout } = await run(['graph', 'spec.json', '--json']);
  t.is(stdout.split('\n').length, 1);
  t.like(JSON.parse(stdout), { version: 1, kind: 'flow', name: 'two' });
  t.like(JSON.parse(stdout).edges[0], { source: 'one', target: 'end', event: null, guard: null });
});

test('graph --run marks the states of the agents of a run, and --agent the path of one', async t => {
  const { run, stateDir } = createCli(t);
  writeRun(
    stateDir,
    'r1234567',
    ['fixer'],
    [
      started({ fixer: [], tests: ['fixer'] }),
      enters(1, 'fixer', 'reconciling', { event: 'init' }),
      enters(2, 'fixer', 'building', { event: 'reconcile done' }),
      ends(3, 'fixer'),
    ],
  );
  const { path } = JSON.parse((await run(['graph', '--run', 'r1234567', '--format', 'json'])).stdout);
  t.like(path, { runId: 'r1234567', agents: { fixer: { status: 'succeeded' }, tests: { status: null } } });
  for (const args of [
    ['--agent', 'fixer'],
    ['--agent', 'r1234567/fixer'],
    ['--run', 'r1234567', '--agent', 'fixer'],
  ]) {
    const { path } = JSON.parse((await run(['graph', '--json', ...args])).stdout);
    t.like(path, { agent: 'fixer', current: 'building', visited: { reconciling: 1, building: 1 } });
    t.deepEqual(path.transitions, [
      { source: 'reconciling', target: 'building', event: 'reconcile done', count: 1 },
    ]);
  }
});

test('graph exits with 2 for conflicting arguments or a missing run or spec', async t => {
  const { run } = createCli(t);
  for (const args of [
    ['spec.json', '--machine', 'flow'],
    ['--run', 'r1', '--machine', 'agent'],
    ['--run', 'r1'],
    ['nowhere.json'],
  ]) {
    const { exitCode, stdout, stderr } = await run(['graph', ...args]);
    t.is(exitCode, 2, stderr);
    t.is(stdout, '');
  }
});
