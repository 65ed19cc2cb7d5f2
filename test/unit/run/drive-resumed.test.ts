import { mkdirSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { exitCodeOf, statusOf } from '../../../src/state/result.ts';
import { folder } from '../_helpers/repositories.ts';
import { parse } from '../_helpers/spec.ts';
import { drivenRun } from './driven-run.ts';

const spec = {
  agents: {
    work: {},
    rescue: { dependsOn: [{ agent: 'work', on: 'failed' }] },
    chosen: { when: 'agents.work.exitCode == 7 && agents.rescue.status == "succeeded"' },
    unwanted: { when: 'agents.work.status == "succeeded"' },
    unneeded: { dependsOn: [{ agent: 'rescue', on: 'failed' }] },
    report: { dependsOn: [{ agent: 'unwanted', on: 'ended' }] },
    broken: { when: 'agents.unwanted.exitCode > 1' },
    test: { matrix: { node: [20, 22] }, dependsOn: [{ agent: 'broken', on: 'failed' }] },
    last: { dependsOn: ['test', 'chosen'] },
  },
};

const statuses = {
  work: 'failed',
  rescue: 'succeeded',
  chosen: 'succeeded',
  unwanted: 'skipped',
  unneeded: 'skipped',
  report: 'succeeded',
  broken: 'failed',
  'test-20': 'succeeded',
  'test-22': 'succeeded',
  last: 'succeeded',
};

function check(t: ExecutionContext, { events, state }: Awaited<ReturnType<typeof drivenRun>>, title: string) {
  const ends = events.filter(event => event.type === 'agent.ended');
  t.deepEqual(Object.fromEntries(ends.map(({ agent, status }) => [agent, status])), statuses, title);
  t.is(ends.length, Object.keys(statuses).length, `${title}: each agent ends once`);
  const conditions = events.flatMap(event => (event.type === 'agent.condition' ? [event.agent] : []));
  t.deepEqual(conditions.toSorted(), ['broken', 'chosen', 'unwanted'], `${title}: each condition once`);
  t.is(exitCodeOf(state), 1, title);
  t.is(statusOf(state), 'failed', title);
}

test('a run that is resumed after any event of its journal has the same results, and evaluates no condition twice', async t => {
  const path = folder(t);
  mkdirSync(path, { recursive: true });
  const agents = Object.entries(spec.agents).map(([name, fields]) => [name, { command: ['x'], ...fields }]);
  const run = {
    plan: await parse({ agents: Object.fromEntries(agents) }),
    path,
    outputs: {},
    codes: { work: 7 },
  };
  const whole = await drivenRun(run);
  check(t, whole, 'not resumed');
  t.deepEqual(whole.started.toSorted(), ['chosen', 'last', 'report', 'rescue', 'test-20', 'test-22', 'work']);
  for (const count of whole.events.keys()) {
    const past = whole.events.slice(0, count);
    const resumed = await drivenRun({ ...run, past });
    check(t, resumed, `resumed after ${count} events, the last ${past.at(-1)?.type}`);
    const before = past.flatMap(event =>
      event.type === 'agent.state' && event.containerId !== null ? [event.agent] : [],
    );
    t.deepEqual(
      resumed.started.filter(name => before.includes(name)),
      [],
      `resumed after ${count} events: no agent twice`,
    );
  }
});
