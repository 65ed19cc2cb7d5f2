import test from 'ava';
import fc from 'fast-check';
import type { RunEvent, RunEventBody } from '../../../src/events.ts';
import { type AgentRecord, applyEvent, emptyRecord } from '../../../src/recovery/record.ts';
import { trackRecords } from '../../../src/recovery/track-records.ts';
import { livelyRun } from '../inspector/lively.ts';

const names = (count: number) => Array.from({ length: count }, (_, index) => `agent-${index + 1}`);
const numbered = (body: RunEventBody, seq: number): RunEvent => ({ v: 1, seq, at: 0, ...body });

/** A container belongs to one agent. */
const withOwnContainer = (event: RunEvent): RunEvent =>
  'containerId' in event && 'agent' in event && event.containerId !== null
    ? { ...event, containerId: `c-${event.agent}` }
    : event;

test('each record is the same as when every event is applied to it', t => {
  const events = livelyRun(6).map(withOwnContainer);
  const ids = new Set(events.flatMap(event => ('containerId' in event && event.containerId) || []));
  const starts = [...ids].map(
    (containerId, at): RunEventBody => ({
      type: 'container.started',
      containerId,
      startedAt: at,
    }),
  );
  const cancels: RunEventBody[] = [
    { type: 'run.cancel', reason: 'x' },
    { type: 'agent.cancel', agent: 'agent-2', reason: 'x' },
  ];
  const inserted = fc.array(fc.tuple(fc.nat(events.length), fc.constantFrom(...starts, ...cancels)), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(inserted, more => {
      const all: RunEventBody[] = [...events];
      for (const [at, event] of more) all.splice(at, 0, event);
      const tracked = trackRecords(names(6));
      const records = new Map<string, AgentRecord>(names(6).map(name => [name, emptyRecord]));
      for (const event of all.map(numbered)) {
        tracked.apply(event);
        for (const [name, record] of records) records.set(name, applyEvent(record, name, event));
      }
      for (const [name, record] of records) t.deepEqual(tracked.of(name), record);
    }),
  );
});

test('an event of one agent leaves the records of all others identical', t => {
  const agents = names(1_000);
  const tracked = trackRecords(agents);
  tracked.apply(numbered({ type: 'run.cancel', reason: 'x' }, 0));
  const before = agents.map(tracked.of);
  tracked.apply(numbered({ type: 'agent.cancel', agent: 'agent-7', reason: 'x' }, 1));
  tracked.apply(numbered({ type: 'container.started', containerId: 'c0ffee', startedAt: 1 }, 2));
  const changed = agents.filter((name, index) => tracked.of(name) !== before[index]);
  t.deepEqual(changed, ['agent-7']);
});

test('an event of an unknown agent is ignored', t => {
  const tracked = trackRecords(['a']);
  tracked.apply(numbered({ type: 'agent.cancel', agent: 'b', reason: 'x' }, 0));
  t.is(tracked.of('b'), undefined);
  t.is(tracked.of('a'), emptyRecord);
});
