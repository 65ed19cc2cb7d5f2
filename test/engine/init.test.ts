import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { place } from './flow.ts';

test('the starter that init writes runs unmodified to its end', async t => {
  const here = place(t);
  const project = join(here.path, 'project');
  mkdirSync(project);
  t.is((await here.agentFlow(['init'], { cwd: project })).exitCode, 0);
  const { exitCode, json, stderr } = await here.agentFlow(['run', 'agent-flow.json', '--json'], {
    cwd: project,
  });
  t.is(exitCode, 0, stderr);
  t.deepEqual(Object.keys(json.agents), ['files', 'tools', 'greeting', 'last']);
  t.regex(here.transcript('files'), /agent-flow\.json/);
  t.regex(here.transcript('tools'), /v22[\s\S]*git version[\s\S]*tmux/);
  t.regex(here.transcript('greeting'), /^Hello from \w+/m);
});

test('parallel-checks lints, tests and builds, and reports after all three', async t => {
  const here = place(t);
  await here.agentFlow(['init', '--example', 'parallel-checks']);
  const { exitCode, json, stderr } = await here.agentFlow(['run', 'parallel-checks/spec.json', '--json']);
  t.is(exitCode, 0, stderr);
  t.is(json.agents.report.status, 'succeeded');
  t.regex(readFileSync(join(here.path, 'parallel-checks/project/dist/REPORT'), 'utf8'), /1 files are/);
});

test('retry-and-timeout ends as its comments state', async t => {
  const here = place(t);
  await here.agentFlow(['init', '--example', 'retry-and-timeout']);
  const { exitCode, json, stderr } = await here.agentFlow(['run', 'retry-and-timeout/spec.json', '--json']);
  t.is(exitCode, 4, stderr);
  const outcomes = Object.entries<{ status: string; attempts: unknown[] }>(json.agents);
  t.deepEqual(
    outcomes.map(([name, { status, attempts }]) => [name, status, attempts.length]),
    [
      ['flaky', 'succeeded', 2],
      ['stuck', 'timedOut', 1],
      ['kept', 'failed', 1],
      ['after', 'skipped', 0],
    ],
  );
  t.is((await here.containers()).length, 1);
  t.false(existsSync(join(here.path, 'retry-and-timeout/been-here')));
});

test('prompt-and-done passes its prompt, and ends with agent-done', async t => {
  const here = place(t);
  await here.agentFlow(['init', '--example', 'prompt-and-done']);
  const { exitCode, stderr } = await here.agentFlow(['run', 'prompt-and-done/spec.json', '--json']);
  t.is(exitCode, 0, stderr);
  t.regex(here.transcript('writer'), /I was asked to: Write a poem/);
  t.regex(here.transcript('reviewer'), /Is poem\.txt good\?[\s\S]*a tidy box/);
});
