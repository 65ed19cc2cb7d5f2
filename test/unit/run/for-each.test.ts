import { mkdirSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { agentsToRerun, rerunOf } from '../../../src/run/reuse.ts';
import { exitCodeOf, resultOf, statusOf } from '../../../src/state/result.ts';
import { folder } from '../_helpers/repositories.ts';
import { parse } from '../_helpers/spec.ts';
import { drivenRun } from './driven-run.ts';

const output = { schema: {} };
const spec = (fields: object = {}) => ({
  agents: {
    plan: { command: ['x'], output },
    fix: {
      ...{ command: ['x', '${item.title}', '${index}'], env: { ALL: '${item}' }, output },
      ...{ forEach: '${agents.plan.output.tasks}', max: 12 },
      ...fields,
    },
    last: { command: ['x', '${agents.fix.output}'] },
    rescue: { command: ['x'], dependsOn: [{ agent: 'fix', on: 'failed' }] },
  },
});

const tasks = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ title: `task ${index + 1}` }));
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `fix-${index + 1}`);

function placeOf(t: ExecutionContext): string {
  const path = folder(t);
  mkdirSync(path, { recursive: true });
  return path;
}

/** Run the flow with these tasks. */
async function runTasks(t: ExecutionContext, found: unknown, codes: Readonly<Record<string, number>> = {}) {
  const plan = await parse(spec());
  return drivenRun({
    plan,
    path: placeOf(t),
    codes,
    outputs: { plan: { tasks: found }, fix: { done: true } },
  });
}

test('twelve tasks are twelve agents, as many at once as the limit, and the last one reads all outputs', async t => {
  const { statuses, inputs, atOnce, started, events, state } = await runTasks(t, tasks(12));
  t.deepEqual(started.toSorted(), [...numbered(12), 'last', 'plan'].toSorted());
  t.is(atOnce, 3);
  t.is(statuses.fix, 'succeeded');
  t.is(statuses.last, 'succeeded');
  t.is(statuses.rescue, 'skipped');
  t.deepEqual(inputs['fix-7'], { 'item.title': '"task 7"', index: '7', item: '{"title":"task 7"}' });
  t.deepEqual(JSON.parse(inputs.last!['agents.fix.output']!), Array(12).fill({ done: true }));
  t.is(statusOf(state), 'succeeded');
  t.deepEqual(Object.keys(state.agents), ['plan', 'fix', ...numbered(12), 'last', 'rescue']);
  const expanded = events.findIndex(event => event.type === 'agent.expanded');
  t.true(expanded < events.findIndex(event => 'agent' in event && event.agent === 'fix-1'));
  const result = resultOf(state);
  t.deepEqual(result.agents.fix?.output, Array(12).fill({ done: true }));
  t.deepEqual(result.agents.fix?.agents, numbered(12));
  t.deepEqual(result.agents['fix-2']?.item, { title: 'task 2' });
});

test('an empty list is a success with an empty output', async t => {
  const { statuses, inputs, started } = await runTasks(t, []);
  t.deepEqual(started, ['plan', 'last']);
  t.deepEqual(statuses, { plan: 'succeeded', fix: 'succeeded', last: 'succeeded', rescue: 'skipped' });
  t.deepEqual(inputs.last, { 'agents.fix.output': '[]' });
});

const notAList: readonly (readonly [string, unknown, string, RegExp])[] = [
  ['one item too many', tasks(13), 'forEach', /has 13 items; "max" allows 12/],
  ['ten thousand tasks', tasks(10_000), 'forEach', /has 10000 items/],
  ['a string', 'all', 'forEach', /is no list: it is a string/],
  ['an object with a length', { length: 2 }, 'forEach', /is no list: it is an object/],
  ['null', null, 'reference', /has no value/],
  ['a megabyte', Array(2).fill('x'.repeat(2 ** 19)), 'forEach', /larger than 1 MiB/],
];
for (const [title, found, kind, message] of notAList)
  test(`no agent is started for ${title}`, async t => {
    const { started, ends, state } = await runTasks(t, found);
    t.deepEqual(started.toSorted(), ['plan', 'rescue']);
    t.like(ends.find(({ agent }) => agent === 'fix')?.error, { kind });
    t.regex(ends.find(({ agent }) => agent === 'fix')!.error!.message, message);
    t.is(exitCodeOf(state), 1);
  });

test('hostile items are data', async t => {
  const title = '${agents.plan.output} ${item} $(x) \u001b[31m\u202e';
  const items = [JSON.parse(`{"title":${JSON.stringify(title)},"__proto__":{"title":"x"}}`), 1, null];
  const plan = await parse(spec({ command: ['x', '${item}'], env: {}, prompt: undefined }));
  const run = { plan, path: placeOf(t), outputs: { plan: { tasks: items }, fix: 1 } };
  const { inputs, ends, state } = await drivenRun(run);
  t.is(JSON.parse(inputs['fix-1']!.item!).title, title);
  t.true(Object.hasOwn(JSON.parse(inputs['fix-1']!.item!), '__proto__'));
  t.is(inputs['fix-2']?.item, '1');
  t.like(ends.find(({ agent }) => agent === 'fix-3')?.error, { kind: 'reference' });
  t.is(JSON.stringify(resultOf(state)).includes('\u001b'), false);
});

test('one that fails does not end the others, and the result of the whole is a failure', async t => {
  const { statuses, ends, started, state } = await runTasks(t, tasks(4), { 'fix-2': 7 });
  t.like(statuses, { fix: 'failed', 'fix-4': 'succeeded', last: 'skipped', rescue: 'succeeded' });
  t.true(started.includes('fix-4'));
  t.is(ends.find(({ agent }) => agent === 'fix')?.error?.message, '1 of its 4 agents did not succeed: fix-2');
  t.is(exitCodeOf(state), 1);
});

test('a condition is evaluated once, for the whole', async t => {
  const plan = await parse(spec({ when: 'agents.plan.output.tasks.size() > 5' }));
  const run = { plan, path: placeOf(t), outputs: { plan: { tasks: tasks(3) }, fix: 1 } };
  const { started, statuses, events } = await drivenRun(run);
  t.deepEqual(started, ['plan']);
  t.is(statuses.fix, 'skipped');
  t.is(events.filter(event => event.type === 'agent.condition').length, 1);
});

test('a cancel of the whole cancels all of its agents, and a cancel of one leaves the others', async t => {
  const plan = await parse(spec());
  const outputs = { plan: { tasks: tasks(6) }, fix: 1 };
  const all = await drivenRun({
    ...{ plan, path: placeOf(t), outputs, concurrency: 1 },
    onWatch: (name, flow) => name === 'fix-2' && flow.cancelAgent('fix', 'enough'),
  });
  t.deepEqual(
    [...numbered(6), 'fix', 'last'].map(name => all.statuses[name]),
    ['succeeded', ...Array(6).fill('cancelled'), 'skipped'],
  );
  const one = await drivenRun({
    ...{ plan, path: placeOf(t), outputs, concurrency: 1 },
    onWatch: (name, flow) => name === 'fix-2' && flow.cancelAgent('fix-4', 'enough'),
  });
  t.deepEqual(
    [...numbered(6), 'fix', 'last'].map(name => one.statuses[name]),
    [...Array(3).fill('succeeded'), 'cancelled', 'succeeded', 'succeeded', 'cancelled', 'skipped'],
  );
});

test('a cancel of the run ends it, whatever is expanded', async t => {
  const plan = await parse(spec());
  for (const at of ['plan', 'fix-1', 'fix-6', 'last']) {
    const { statuses, state } = await drivenRun({
      ...{ plan, path: placeOf(t), outputs: { plan: { tasks: tasks(6) }, fix: 1 }, concurrency: 1 },
      onWatch: (name, flow) => name === at && flow.cancel('enough'),
    });
    t.is(statuses[at], 'cancelled', at);
    t.is(statuses.fix, at === 'last' ? 'succeeded' : 'cancelled', at);
    t.true(Object.values(state.agents).every(({ status }) => status !== null));
  }
});

test('a run that is resumed after any event of its journal has the same agents, none of them twice', async t => {
  const path = placeOf(t);
  const plan = await parse(spec());
  const run = { plan, path, outputs: { plan: { tasks: tasks(4) }, fix: 1 }, codes: { 'fix-3': 7 } };
  const whole = await drivenRun(run);
  for (const count of whole.events.keys()) {
    const past = whole.events.slice(0, count);
    const title = `resumed after ${count} events, the last ${JSON.stringify(past.at(-1))}`;
    const resumed = await drivenRun({ ...run, past });
    t.deepEqual(resumed.statuses, whole.statuses, title);
    t.is(resumed.ends.length, whole.ends.length, `${title}: each agent ends once`);
    const expansions = resumed.events.filter(event => event.type === 'agent.expanded');
    t.is(expansions.length, 1, `${title}: one expansion`);
    const before = past.flatMap(event =>
      event.type === 'agent.state' && event.containerId !== null ? [event.agent] : [],
    );
    t.deepEqual(
      resumed.started.filter(name => before.includes(name)),
      [],
      `${title}: no agent twice`,
    );
    t.deepEqual(resultOf(resumed.state).agents['fix-2']?.item, { title: 'task 2' }, title);
  }
});

test('a cancel of the whole holds after a crash', async t => {
  const path = placeOf(t);
  const plan = await parse(spec());
  const run = { plan, path, outputs: { plan: { tasks: tasks(3) }, fix: 1 }, concurrency: 1 };
  const whole = await drivenRun(run);
  for (const type of ['agent.expanded', 'agent.output'] as const) {
    const at = whole.events.findIndex(event => event.type === type);
    const cancel = { ...whole.events[at]!, type: 'agent.cancel', agent: 'fix', reason: 'enough' } as const;
    const { statuses, started } = await drivenRun({
      ...run,
      past: [...whole.events.slice(0, at + 1), cancel],
    });
    t.is(statuses.fix, 'cancelled', type);
    t.deepEqual(
      started.filter(name => name.startsWith('fix')),
      [],
    );
  }
});

test('a rerun takes the same items if the planner is reused, and new ones otherwise', async t => {
  const path = placeOf(t);
  const plan = await parse(spec());
  const run = { plan, path, outputs: { plan: { tasks: tasks(4) }, fix: 1 } };
  const first = await drivenRun({ ...run, codes: { 'fix-3': 7 } });
  const again = agentsToRerun(plan, first.state, []);
  t.deepEqual([...again].toSorted(), ['fix', 'fix-3', 'last', 'rescue']);
  const second = await drivenRun({ ...run, rerun: rerunOf(plan, first.state, again) });
  t.deepEqual(second.started.toSorted(), ['fix-3', 'last']);
  t.deepEqual(Object.keys(second.state.agents), Object.keys(first.state.agents));
  t.is(statusOf(second.state), 'succeeded');

  const third = await drivenRun({
    ...{ ...run, outputs: { ...run.outputs, plan: { tasks: tasks(2) } } },
    rerun: rerunOf(plan, second.state, agentsToRerun(plan, second.state, ['plan'])),
  });
  t.deepEqual(third.started.toSorted(), ['fix-1', 'fix-2', 'last', 'plan']);

  const fourth = await drivenRun({
    ...run,
    rerun: rerunOf(plan, second.state, agentsToRerun(plan, second.state, ['last'])),
  });
  t.deepEqual(fourth.started, ['last']);
  t.is(fourth.inputs.last?.['agents.fix.output'], '[1,1,1,1]');
  t.deepEqual(resultOf(fourth.state).agents['fix-2']?.item, { title: 'task 2' });
});
