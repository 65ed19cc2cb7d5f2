import test from 'ava';
import { createActor, fromPromise, toPromise } from 'xstate';
import { approvalMachine } from '../../../machines/approval.ts';
import { type Decision, decisionText } from '../../../machines/approval-types.ts';
import { flowMachine } from '../../../machines/flow.ts';

const yes: Decision = { decision: 'approved', source: 'user', by: 'ann@host', reason: null };
const no: Decision = { decision: 'rejected', source: 'user', by: 'ann@host', reason: 'not today' };
const succeeded = { status: 'succeeded', exitCode: null, error: null };

function machine(known: Decision | null, later: Promise<Decision>, cancelled = false) {
  return approvalMachine.provide({
    actors: {
      requestApproval: fromPromise(async () => ({ until: 7, decision: known, cancelled })),
      awaitDecision: fromPromise(() => later),
    },
  });
}
const never = new Promise<Decision>(() => {});

test('an approval waits for its decision', async t => {
  const decided = Promise.withResolvers<Decision>();
  const actor = createActor(machine(null, decided.promise), { input: { name: 'go' } });
  const states: unknown[] = [];
  actor.subscribe(({ value, context }) => {
    if (value === 'awaitingApproval') decided.resolve(yes);
    states.push([value, context.waitEndsAt]);
  });
  const output = await toPromise(actor.start());
  t.deepEqual(states, [
    ['requesting', 0],
    ['awaitingApproval', 7],
    ['done', 7],
  ]);
  t.like(output, { name: 'go', ...succeeded, containerId: null, attempts: [] });
});

test('an approval that has a decision already does not wait', async t => {
  const output = await toPromise(createActor(machine(no, never), { input: { name: 'go' } }).start());
  t.is(output.status, 'failed');
  t.deepEqual(output.error, {
    phase: 'awaitingApproval',
    kind: 'rejected',
    message: 'rejected by ann@host: not today',
  });
});

test('an approval is cancelled in each of its states', async t => {
  const before = createActor(machine(null, never, true), { input: { name: 'go' } }).start();
  t.is((await toPromise(before)).status, 'cancelled');
  for (const event of [{ type: 'CANCEL', reason: 'stop' } as const, { type: 'KILL' } as const])
    for (const state of ['requesting', 'awaitingApproval']) {
      const actor = createActor(machine(null, never), { input: { name: 'go' } });
      actor.subscribe(({ value }) => {
        if (value === state) actor.send(event);
      });
      t.is((await toPromise(actor.start())).status, 'cancelled', `${event.type} in ${state}`);
    }
});

test('decisionText has who decided and why, if they are known', t => {
  t.is(decisionText(yes), 'approved by ann@host');
  t.is(decisionText({ ...no, source: 'timeout', by: null }), 'rejected: not today');
});

test('an approval takes no place, and those that need it start after it', async t => {
  const order: string[] = [];
  const decided = Promise.withResolvers<Decision>();
  const agentDone = (name: string) => {
    order.push(name);
    if (name === 'work') decided.resolve(yes);
    return {
      name,
      status: 'succeeded',
      exitCode: 0,
      error: null,
      containerId: null,
      image: null,
      attempts: [],
    };
  };
  const agent = fromPromise(async ({ input }: { input: { name: string } }) => agentDone(input.name));
  const flow = flowMachine.provide({
    actors: { agent: agent as never, approval: machine(null, decided.promise) },
  });
  const shared = { retries: 0, keep: 'never' } as const;
  const agents = [
    { name: 'go', dependsOn: [], isApproval: true, ...shared },
    { name: 'work', dependsOn: [], ...shared },
    { name: 'deploy', dependsOn: ['go'], ...shared },
  ];
  const output = await toPromise(createActor(flow, { input: { agents, concurrency: 1 } }).start());
  t.deepEqual(order, ['work', 'deploy']);
  t.is(output.agents.go?.status, 'succeeded');
});
