import test from 'ava';
import { createCli, writeRun } from '../_helpers/command-line.ts';

const offered = (stdout: string) => stdout.split('\n').filter(Boolean);

test('agent names and run ids are completed for the commands that take them', async t => {
  const { run, stateDir } = createCli(t);
  writeRun(stateDir, 'r1234567', ['fixer', 'tests']);
  const complete = async (...words: string[]) => {
    const { stdout, stderr, exitCode } = await run(['--get-yargs-completions', 'agent-flow', ...words]);
    t.is(stderr, '');
    t.is(exitCode, 0);
    return offered(stdout);
  };
  t.deepEqual(await complete('logs', 'f'), ['fixer']);
  t.deepEqual(await complete('attach', 'r1'), ['r1234567/fixer', 'r1234567/tests']);
  t.true((await complete('stop', '')).includes('r1234567'));
  t.false((await complete('logs', '')).includes('r1234567'));
  t.deepEqual(await complete('rerun', ''), ['r1234567']);
  t.deepEqual(await complete('rerun', 'r1234567', '--from', 'f'), ['fixer']);
  t.deepEqual(await complete('rerun', 'r1234567', '--from', 'fixer,t'), ['fixer,tests']);
  t.true((await complete('graph', '--f')).includes('--format'));
  t.true((await complete('logs', '--f')).includes('--follow'));
  t.true((await complete('')).includes('doctor'));
});

test('a name that a shell would expand is not offered', async t => {
  const { run, stateDir } = createCli(t);
  const complete = () => run(['--get-yargs-completions', 'agent-flow', 'logs', '']);
  t.is((await complete()).stdout, '');
  writeRun(stateDir, 'r1234567', ['$(touch oops)', 'good']);
  t.deepEqual(offered((await complete()).stdout), ['good', 'r1234567/good']);
});

test('completion prints a script for the shell', async t => {
  const { run } = createCli(t);
  t.regex((await run(['completion'], { SHELL: '/bin/bash' })).stdout, /complete .* agent-flow/);
  t.regex((await run(['completion'], { SHELL: '/bin/zsh' })).stdout, /^#compdef agent-flow/);
});
