import test from 'ava';
import { parse, problems } from '../_helpers/spec.ts';

const schema = {
  type: 'object',
  properties: {
    title: { type: 'string' },
    tasks: {
      type: 'array',
      items: { type: 'object', properties: { title: {} }, additionalProperties: false },
    },
  },
  additionalProperties: false,
};
const withFix = (fix: object, more: object = {}) => ({
  agents: {
    plan: { command: ['x'], output: { schema } },
    fix: { command: ['x'], forEach: '${agents.plan.output.tasks}', ...fix },
    ...more,
  },
});

test('an agent with forEach waits for the list, and its plan has one agent for each item that there may be', async t => {
  const { agents, forEach } = await parse(withFix({ max: 3 }));
  t.deepEqual(
    agents.map(({ name }) => name),
    ['plan', 'fix-1', 'fix-2', 'fix-3'],
  );
  t.like(forEach?.[0], {
    name: 'fix',
    dependsOn: ['plan'],
    items: 'agents.plan.output.tasks',
    max: 3,
    index: 1,
  });
  t.is((await parse(withFix({}))).agents.length, 21);
});

const refused: readonly (readonly [string, object, RegExp])[] = [
  ['no reference', withFix({ forEach: 'tasks' }), /expected a reference to a list/],
  ['an unknown agent', withFix({ forEach: '${agents.other.output}' }), /no agent is named "other"/],
  ['a status', withFix({ forEach: '${agents.plan.status}' }), /is no list/],
  [
    'a string by its schema',
    withFix({ forEach: '${agents.plan.output.title}' }),
    /is no list: the schema .* says string/,
  ],
  ['a key that is excluded', withFix({ forEach: '${agents.plan.output.task}' }), /has no "task"/],
  ['a key that no item has', withFix({ command: ['${item.name}'] }), /the schema of its items has no "name"/],
  ['max alone', withFix({ forEach: undefined, max: 3 }), /it limits "forEach"/],
  ['a max of 257', withFix({ max: 257 }), /from 1 to 256/],
  [
    'an item elsewhere',
    withFix({ labels: { a: '${item}' } }),
    /only in "prompt", "env", "args" and "command"/,
  ],
  [
    'an item of another agent',
    withFix({}, { b: { command: ['${item.title}'] } }),
    /of an agent with "forEach"/,
  ],
  ['a name that is taken', withFix({}, { 'fix-2': { command: ['x'] } }), /would be named "fix-2"/],
  [
    'the exit code of all',
    withFix({}, { b: { command: ['${agents.fix.exitCode}'] } }),
    /only its status and its output/,
  ],
  [
    'a dependency on one',
    withFix({}, { b: { command: ['x'], dependsOn: ['fix-1'] } }),
    /no agent has this name/,
  ],
];
for (const [title, spec, message] of refused)
  test(`refused: ${title}`, async t => {
    t.regex((await problems(spec)).join('\n'), message);
  });
