import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createCli, writeRun } from '../_helpers/command-line.ts';
import { attemptEnds, started } from '../_helpers/story.ts';

function cliWith(t: ExecutionContext, spec: object) {
  const cli = createCli(t);
  writeFileSync(join(cli.path, 'flow.json'), JSON.stringify(spec));
  return cli;
}

const claude = { provider: 'claude', prompt: 'x' };

test('validate prints the budgets in dollars', async t => {
  const { run } = cliWith(t, {
    budget: { usd: 5 },
    agents: { a: { ...claude, budget: { usd: 2.5 } }, b: claude },
  });
  const { exitCode, stdout, stderr } = await run(['validate', 'flow.json']);
  t.deepEqual([exitCode, stdout], [0, '']);
  t.is(stderr, 'flow.json is valid: a (at most $2.50), b; at most $5.00 for all agents together');
});

test('--max-usd is a number above zero, and is refused for an AI CLI that does not report its usage', async t => {
  const { run } = cliWith(t, { agents: { a: { provider: 'copilot', prompt: 'x' } } });
  for (const value of ['0', '-1', 'much', 'Infinity']) {
    const { exitCode, stderr } = await run(['run', 'flow.json', '--max-usd', value]);
    t.is(exitCode, 2, value);
    t.regex(stderr, /--max-usd must be a number above zero/);
  }
  const { exitCode, stderr } = await run(['run', 'flow.json', '--max-usd', '5']);
  t.is(exitCode, 2);
  t.regex(stderr, /--max-usd: agents\.a: copilot does not report its usage/);
});

test('ps has the costs of agents whose AI CLI reports its usage', async t => {
  const { path, stateDir, run } = createCli(t);
  const usage = { turns: 2, inputTokens: 200, cachedInputTokens: 0, outputTokens: 40, costUsd: 0.42 };
  writeRun(stateDir, 'r1234567', ['a', 'b'], [started({ a: [], b: [] }), attemptEnds(1, 'a', { usage })]);
  const env = { DOCKER_HOST: `unix://${join(path, 'no-engine.sock')}` };
  const listed = await run(['ps'], env);
  t.regex(listed.stdout, /^AGENT .* CONTAINER +COST$/m);
  t.regex(listed.stdout, /^r1234567\/a .* \$0\.42$/m);
  const { stdout } = await run(['ps', '--json'], env);
  t.deepEqual(
    JSON.parse(stdout).map(({ costUsd }: { costUsd: number | null }) => costUsd),
    [0.42, null],
  );
});
