import test from 'ava';
import { withCorrection } from '../../../src/actors/correction-prompt.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { agent, input } from '../_helpers/actor-ports.ts';

const hostile = 'its output does not match its schema: "${HOME}\n$(x)": must be string';

/** Return the launch of an agent whose output is corrected for this reason, or not at all. */
function launched(fields: Partial<AgentPlan>, problem: string | null = hostile) {
  const plan = agent({ provider: 'claude', prompt: 'the task', output: { schema: {} }, ...fields });
  const { command, prompt, env } = plan;
  const context = {
    launchedPlan: () => plan,
    correction: () => (problem === null ? null : { attempt: 1, problem }),
  };
  return withCorrection(context, { ...input, attempt: 2 }, { command, prompt, env, checkOutput: null });
}

test('the prompt of a correction has the problem of the output, as one line of plain text', t => {
  const { prompt, command } = launched({ command: ['claude'], workspace: { mode: 'copy', path: '/src' } });
  t.is(
    prompt,
    `the task

You have worked on this before, and the result that you have written was not accepted: its output does not match its schema: "\${HOME} $(x)": must be string.
Your work so far is in the workspace.
Write the whole result again, as a file that is accepted.
`,
  );
  t.deepEqual(command, ['claude']);
});

test('a correction without a workspace does not name one', t => {
  t.false(launched({ workspace: { mode: 'none' } }).prompt!.includes('workspace'));
});

test('a prompt that is the last argument gets the problem there, unless it becomes too long', t => {
  const fields = { stdin: 'empty', interactive: null } as const;
  const { prompt, command } = launched({ ...fields, command: ['x', '--', 'the task'] });
  t.deepEqual(command, ['x', '--', prompt!]);
  const long = 'p'.repeat(128 * 1024 - 1);
  t.is(launched({ ...fields, prompt: long, command: ['x', long] }).prompt, long);
});

test('without a problem, and without an output, a launch stays as it is', t => {
  t.is(launched({}, null).prompt, 'the task');
  t.is(launched({ provider: 'command', prompt: null }).prompt, null);
});
