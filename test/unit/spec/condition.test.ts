import test from 'ava';
import { type ConditionAgent, checkCondition, evaluateCondition } from '../../../src/spec/condition.ts';

const agents = {
  a: { status: 'failed', exitCode: null, branch: null, kind: 'image', output: null },
  'b-c': { status: 'succeeded', exitCode: 3, branch: 'tmux-agents/x', kind: null, output: null },
} satisfies Record<string, ConditionAgent>;

const problem = (condition: string) => checkCondition(condition).problem;

test('conditions are evaluated by the outcomes of agents', t => {
  for (const [condition, expected] of [
    ['agents.a.status == "failed"', true],
    ['agents["b-c"].status in ["succeeded", "skipped"] && agents.a.exitCode == null', true],
    ["agents['b-c'].exitCode == 3 || agents.a.exitCode > 1", true],
    ['agents["b-c"].exitCode in [4, 5]', false],
    ['agents.a.exitCode != null && agents.a.exitCode > 2', false],
    ['agents["b-c"].branch != null ? agents["b-c"].branch.startsWith("tmux-") : false', true],
    ['!(agents.a.kind == "image")', false],
    ['"true" == "true" // without an agent', true],
    ['agents.a.status.size() == 6 && -1 < 0', true],
  ] as const) {
    t.is(problem(condition), null, condition);
    t.is(evaluateCondition(condition, agents).holds, expected, condition);
  }
});

test('the reason is the condition on one line, with its result', t => {
  const condition = 'agents.a.status\n  == "failed"';
  t.is(evaluateCondition(condition, agents).reason, 'when: agents.a.status == "failed" is true');
});

test('an error while it is evaluated is a result', t => {
  const { holds, reason } = evaluateCondition('agents.a.exitCode > 2', agents);
  t.is(holds, null);
  t.is(reason, 'when: agents.a.exitCode > 2: at character 1: no such overload: dyn<null> > int');
  t.is(evaluateCondition('agents.missing.status == "failed"', agents).holds, null);
});

test('a result that is not true or false is an error', t => {
  const condition = 'agents.a.status == "x" ? true : agents["b-c"].exitCode';
  const { holds, reason } = evaluateCondition(condition, agents);
  t.is(holds, null);
  t.is(reason, `when: ${condition}: its result is not true or false`);
});

test('a condition names its agents, with their positions', t => {
  const { agents } = checkCondition('agents.a.status == "x" || agents["b-c"].status == agents.a.status');
  t.deepEqual(
    [...agents],
    [
      ['a', 0],
      ['b-c', 26],
    ],
  );
});

test('invalid conditions are refused with the position and the fix', t => {
  for (const [condition, expected] of [
    ['agents.a.status ==', /^at character 19: Unexpected token: EOF$/],
    ['agents.a.status == 3', /^at character 1: no such overload: string == int$/],
    [
      'agents.a.stat == "x"',
      /^at character 10: "stat" is not a field .* status, exitCode, branch, kind, output$/,
    ],
    ['agents.a.status', /^expected a condition, which is true or false; this is a string$/],
    ['agents.a', /this is an agent$/],
    ['agents.a.exitCode', /this is a number or a string$/],
    ['agents.b-c.status == "x"', /^at character 1: arithmetic is not supported; .* agents\["my-agent"\]$/],
    [
      'agents[agents.a.status].status == "x"',
      /^at character 1: expected the name of an agent after "agents"/,
    ],
    ['agents.exists(k, true)', /^at character 1: exists\(\) is not supported; expected one of contains/],
    ['[1, 2].all(x, x > 0)', /all\(\) is not supported/],
    ['"a".matches("(a+)+$")', /matches\(\) is not supported/],
    ['size("a") == 1', /^at character 1: the function size\(\) is not supported$/],
    ['env.HOME == "x"', /^at character 1: "env" is not known, only "agents" is/],
    ['{"a": 1} == {"a": 1}', /"map" is not supported$/],
    [`${'('.repeat(100)}true${')'.repeat(100)}`, /Exceeded maxDepth/],
  ] as const)
    t.regex(problem(condition) ?? 'none', expected, condition);
});
