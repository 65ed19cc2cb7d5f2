import test from 'ava';
import { agentMachine } from '../../../machines/agent.ts';
import { statelyInspector } from '../../../src/inspector/stately.ts';
import { secret, testFlow } from './flow.ts';
import { placeOf, receiveFrom } from './receiver.ts';

const agents = {
  fixer: {},
  flaky: { retries: 1, failures: 1 },
  broken: { failures: 1 },
  lonely: { failures: -1 },
  late: { dependsOn: ['fixer'] },
  skipped: { dependsOn: ['broken'] },
};
const names = ['fixer', 'flaky', 'broken', 'lonely', 'late'];

test('a client receives every agent and its states in order, as in the journal', async t => {
  const inspector = await statelyInspector();
  t.teardown(() => inspector.close());
  const flow = testFlow(agents, inspector.inspect);
  flow.start();
  const live = receiveFrom(inspector.url);
  await live.until(({ states }) => states('fixer').length === 1);
  flow.release();
  await flow.ended;
  await live.until(({ snapshots }) => snapshots('flow').at(-1)?.snapshot.status === 'done');

  for (const name of names) t.deepEqual(live.states(name), flow.states(name), name);
  t.true(live.states('flaky').includes('2 running.working'));
  t.is(live.actor('skipped'), undefined);

  const late = receiveFrom(inspector.url);
  await late.until(({ events }) => events.length === live.events.length);
  const byKind = ({ type }: { type: string }) => type === '@xstate.actor';
  t.deepEqual(late.events.slice(0, 6), live.events.filter(byKind));
  t.deepEqual(
    late.events.filter(event => !byKind(event)),
    live.events.filter(event => !byKind(event)),
  );
});

test('the event of a new actor has its parent, chart and initial state', async t => {
  const inspector = await statelyInspector();
  t.teardown(() => inspector.close());
  const flow = testFlow({ fixer: {} }, inspector.inspect);
  flow.start();
  flow.release();
  await flow.ended;
  const client = receiveFrom(inspector.url);
  await client.until(({ snapshots }) => snapshots('fixer').at(-1)?.snapshot.status === 'done');

  const root = client.actor('flow')!;
  const fixer = client.actor('fixer')!;
  t.is(fixer.parentId, root.sessionId);
  t.is(fixer.rootId, root.sessionId);
  t.is(root.parentId, undefined);
  t.is(fixer._version, '0.7.2');
  t.is((fixer.snapshot as { value: unknown }).value, 'reconciling');
  t.is((root.snapshot as { value: unknown }).value, 'running');

  const chart = JSON.parse(fixer.definition!);
  const { context: _, ...config } = JSON.parse(JSON.stringify(agentMachine.config));
  t.deepEqual(chart, config);
  t.deepEqual(Object.keys(chart).sort(), ['id', 'initial', 'states']);
  t.deepEqual(Object.keys(chart.states).sort(), Object.keys(agentMachine.states).sort());
  t.deepEqual(
    client.events.filter(({ type }) => type === '@xstate.actor').map(({ sessionId }) => sessionId),
    [root.sessionId, fixer.sessionId],
  );
});

test('no output, message, command, image, reason or live object is sent', async t => {
  const inspector = await statelyInspector();
  t.teardown(() => inspector.close());
  const flow = testFlow(agents, inspector.inspect);
  flow.start();
  flow.cancel('fixer');
  flow.release();
  await flow.ended;
  t.true(JSON.stringify(flow.journal).includes(secret), 'the journal contains the secret');
  const client = receiveFrom(inspector.url);
  await client.until(({ snapshots }) => snapshots('flow').at(-1)?.snapshot.status === 'done');

  const text = JSON.stringify(client.events);
  for (const part of [secret, 'docker', '[Object]', '[Circular]', '=>', 'function', 'machines/', 'stack'])
    t.false(text.includes(part), part);
  const { snapshot } = client.snapshots('lonely').at(-1)!;
  t.deepEqual(snapshot as unknown, {
    status: 'done',
    value: 'done',
    context: {
      name: 'lonely',
      attempt: 1,
      retries: 0,
      pendingStep: null,
      tries: 0,
      until: null,
      injectedAt: null,
      cancelled: false,
      outcome: { status: 'failed', exitCode: null, error: { phase: 'networking', kind: 'network' } },
    },
  });
  for (const event of client.events)
    if (event.type === '@xstate.event') t.deepEqual(Object.keys(event.event), ['type']);
});

test('a late client receives a state of every agent and all events since then', async t => {
  const inspector = await statelyInspector({ remembered: 10 });
  t.teardown(() => inspector.close());
  const flow = testFlow(agents, inspector.inspect);
  flow.start();
  flow.release();
  await flow.ended;
  const client = receiveFrom(inspector.url);
  await client.until(({ snapshots }) => snapshots('flow').at(-1)?.snapshot.status === 'done');
  t.is(client.events.length, 6 + 10);
  for (const name of names) {
    const received = [placeOf(client.actor(name)!.snapshot), ...client.states(name)];
    t.deepEqual(received, flow.states(name).slice(-received.length), name);
  }
});

test('close sends the last state to connected clients, and ends the server', async t => {
  const inspector = await statelyInspector({ gracePeriodMs: 60_000 });
  const flow = testFlow({ fixer: {} }, inspector.inspect);
  flow.start();
  const client = receiveFrom(inspector.url);
  await client.until(({ states }) => states('fixer').length === 1);
  flow.release();
  await flow.ended;
  await inspector.close();
  await client.until(({ snapshots }) => snapshots('flow').at(-1)?.snapshot.status === 'done');
  t.deepEqual(client.states('fixer'), flow.states('fixer'));
  await t.throwsAsync(fetch(inspector.url));
});

test('the announcement is one line with the URL and the need for the site of Stately', async t => {
  const inspector = await statelyInspector();
  t.teardown(() => inspector.close());
  t.true(inspector.announcement.includes(inspector.url));
  t.regex(inspector.announcement, /needs that site/);
  t.notRegex(inspector.announcement, /\n/);
  t.regex(inspector.url, /^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}\/$/);
});
