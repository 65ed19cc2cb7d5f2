import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createActor, toPromise } from 'xstate';
import { approvalMachine } from '../../../machines/approval.ts';
import type { RunEvent } from '../../../src/events.ts';
import { trackRecords } from '../../../src/recovery/track-records.ts';
import { approvalDesk } from '../../../src/run/approvals.ts';
import type { ApprovalPlan } from '../../../src/spec/approval-plan.ts';
import { openJournal } from '../../../src/store/journal.ts';
import { readJournal } from '../../../src/store/read-journal.ts';
import type { DecisionRequest } from '../../../src/store/requests.ts';
import { folder } from '../_helpers/repositories.ts';

const plan: ApprovalPlan = {
  ...{ name: 'go', index: 0, dependsOn: [], prompt: 'Merge?' },
  timeout: 60_000,
  onTimeout: 'reject',
};

/** Drive an approval in one supervisor after another, each with the journal of those before it. */
function place(t: ExecutionContext, approval = plan) {
  const path = folder(t);
  mkdirSync(path, { recursive: true });
  const file = join(path, 'journal.jsonl');
  const clock = { now: 1000 };
  let past: readonly RunEvent[] = [];

  const supervise = (
    takeRequests: (decide: (request: DecisionRequest) => Promise<void>) => void = () => {},
  ) => {
    const journal = openJournal(file, () => clock.now, past.length + 1);
    const records = trackRecords(['go']);
    for (const event of past) records.apply(event);
    journal.subscribe(records.apply);
    const expiry = Promise.withResolvers<void>();
    const desk = approvalDesk({
      approvals: [approval],
      journal,
      record: name => records.of(name)!,
      clock: {
        now: () => clock.now,
        sleep: (_, signal) =>
          new Promise((resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason));
            void expiry.promise.then(resolve);
          }),
      },
      takeRequests: () => takeRequests(desk.decide),
    });
    const actor = createActor(approvalMachine.provide({ actors: desk.actors }), { input: { name: 'go' } });
    const isWaiting = new Promise<void>(resolve => {
      actor.subscribe(({ value }) => value === 'awaitingApproval' && resolve());
    });
    const output = toPromise(actor.start());
    return {
      ...{ desk, output, isWaiting },
      expire() {
        clock.now = 1000 + approval.timeout;
        expiry.resolve();
      },
      end() {
        output.catch(() => {});
        actor.stop();
        journal[Symbol.dispose]();
        past = readJournal(file).events;
      },
    };
  };
  const events = () =>
    readJournal(file).events.map(({ v: _, seq: __, at: ___, checksum: ____, ...event }) => event);
  return { supervise, events, clock };
}

const request = (more: Partial<DecisionRequest> = {}): DecisionRequest => ({
  ...{ agent: 'go', decision: 'approved', source: 'user', by: 'ann@host', reason: 'green', at: 2000 },
  ...more,
});
const requested = { type: 'approval.requested', agent: 'go', until: 61_000 };
const byUser = { type: 'approval.decided', agent: 'go', source: 'user', by: 'ann@host', reason: 'green' };

test('the first decision counts, and is in the journal', async t => {
  const { supervise, events } = place(t);
  const { desk, output, isWaiting, end } = supervise();
  await isWaiting;
  await Promise.all([desk.decide(request()), desk.decide(request({ decision: 'rejected' }))]);
  t.is((await output).status, 'succeeded');
  await desk.decide(request({ decision: 'rejected' }));
  end();
  t.deepEqual(events(), [requested, { ...byUser, decision: 'approved' }] as never);
});

for (const [onTimeout, status, decision] of [
  ['reject', 'failed', 'rejected'],
  ['approve', 'succeeded', 'approved'],
] as const)
  test(`after the timeout the default "${onTimeout}" applies`, async t => {
    const { supervise, events } = place(t, { ...plan, onTimeout });
    const { output, isWaiting, expire, end } = supervise();
    await isWaiting;
    expire();
    t.is((await output).status, status);
    end();
    const reason = 'no decision within 1m';
    const decided = { ...byUser, source: 'timeout', by: null, decision, reason };
    t.deepEqual(events(), [requested, decided] as never);
  });

test('a request of before the deadline takes precedence over the default, one of after it does not', async t => {
  const { supervise, events } = place(t);
  const { output, isWaiting, expire, end } = supervise(decide => {
    void decide(request({ at: 61_001, decision: 'rejected' }));
    void decide(request({ at: 61_000 }));
  });
  await isWaiting;
  expire();
  t.is((await output).status, 'succeeded');
  end();
  t.deepEqual(events(), [requested, { ...byUser, decision: 'approved' }] as never);
});

test('a resumed approval waits on with its deadline, and one with a decision does not wait', async t => {
  const { supervise, events, clock } = place(t);
  const first = supervise();
  await first.isWaiting;
  first.end();
  clock.now = 30_000;
  const second = supervise();
  await second.isWaiting;
  await second.desk.decide(request());
  // The supervisor may be killed before the end of the approval is in the journal.
  second.end();
  const third = supervise();
  t.is((await third.output).status, 'succeeded');
  third.end();
  t.deepEqual(events(), [requested, { ...byUser, decision: 'approved' }] as never);
});

test('a granted approval does not wait', async t => {
  const { supervise, events } = place(t, { ...plan, isGranted: true });
  const { output, end } = supervise();
  t.is((await output).status, 'succeeded');
  end();
  const decided = { ...byUser, source: 'option', by: null, decision: 'approved', reason: 'run --yes' };
  t.deepEqual(events(), [requested, decided] as never);
});
