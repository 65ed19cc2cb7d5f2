import test from 'ava';
import { id } from '../_helpers/actor-ports.ts';
import { attemptEnds, ends, enters, started } from '../_helpers/story.ts';
import {
  creates,
  desk,
  fails,
  grace,
  h2,
  minute,
  places,
  retries,
  running,
  unplaced,
} from './host-loss-desk.ts';

test('an attempt is lost once its host could not be reached for its grace period', async t => {
  const { away, pass, log, ended } = desk();
  await away();
  await pass(grace - 1);
  t.deepEqual(log, ['engine.unreachable']);
  await pass(1);
  t.deepEqual(log.slice(1), ['attempt.ended', 'lose a']);
  t.deepEqual(ended(), [
    {
      type: 'attempt.ended',
      ...{ agent: 'a', attempt: 1, containerId: id, image: null, status: 'failed', exitCode: null },
      error: {
        ...{ phase: 'running', kind: 'hostLost' },
        message: 'the Docker engine of h2 could not be reached for 10m',
      },
      transcript: null,
    },
  ]);
  await pass(2 * grace);
  t.is(ended().length, 1);
});

test('the machine gets the loss at once, after the journal and before the outcome is on disk', async t => {
  const { away, pass, log, disk } = desk();
  await away();
  disk.written = Promise.withResolvers<void>().promise;
  await pass(grace);
  t.deepEqual(log.slice(-2), ['attempt.ended', 'lose a']);
});

test('a host that is reachable before its grace period is over loses nothing, and the next outage counts anew', async t => {
  const { away, back, pass, ended } = desk();
  await away();
  await pass(grace - 1);
  await back();
  await pass(grace);
  t.deepEqual(ended(), []);
  await away();
  await pass(grace - 1);
  t.deepEqual(ended(), []);
  await pass(1);
  t.is(ended().length, 1);
});

test('an outage that is reported again does not begin anew, and ends once', async t => {
  const repeated = desk();
  await repeated.away();
  await repeated.pass(grace - 1);
  await repeated.away();
  await repeated.pass(1);
  t.is(repeated.ended().length, 1);
  const over = desk();
  await over.away();
  await over.away();
  await over.back();
  await over.pass(2 * grace);
  t.deepEqual(over.ended(), []);
});

test('an attempt that is to be followed by another one is lost when its lease has run out', async t => {
  const { away, pass, ended } = desk({ plan: retries, leaseEndsAt: grace + minute });
  await away();
  await pass(grace + minute - 1);
  t.deepEqual(ended(), []);
  await pass(1);
  t.like(ended(), [
    {
      error: {
        message: 'the Docker engine of h2 could not be reached for 10m, and its lease has run out',
      },
    },
  ]);
});

test('a host that is reachable before the lease has run out loses nothing', async t => {
  const { away, back, pass, ended } = desk({ plan: retries, leaseEndsAt: grace + minute });
  await away();
  await pass(grace + minute - 1);
  await back();
  await pass(grace);
  t.deepEqual(ended(), []);
});

test('the engine of the run is a host as well', async t => {
  const { away, pass, ended } = desk({ plan: unplaced });
  await away({});
  await pass(grace);
  t.like(ended(), [{ error: { message: 'the Docker engine could not be reached for 10m' } }]);
});

test('an agent that waits for its host, and one on another host, lose nothing', async t => {
  const waits = { placement: h2 };
  for (const [plan, on] of [
    [waits, h2],
    [fails, { host: 'h1' }],
    [fails, {}],
  ] as const) {
    const { away, pass, ended } = desk({ plan });
    await away(on);
    await pass(2 * grace);
    t.deepEqual(ended(), []);
  }
});

for (const [title, event] of [
  ['has an outcome', attemptEnds(2, 'a')],
  ['has ended', ends(2, 'a')],
] as const)
  test(`an agent whose attempt ${title} loses nothing`, async t => {
    const { away, pass, append, ended } = desk();
    await away();
    await pass(minute);
    const { v: _, seq: __, at: ___, ...body } = event;
    await append(body);
    const before = ended().length;
    await pass(grace);
    t.is(ended().length, before);
  });

test('an attempt that is placed on another host meanwhile, also while its lease runs, is not lost', async t => {
  const story = [...running, places('h2')];
  for (const passed of [minute, grace + 1]) {
    const { away, pass, append, ended } = desk({
      plan: retries,
      story,
      isScheduled: true,
      leaseEndsAt: 2 * grace,
    });
    await away();
    await pass(passed);
    await append({ type: 'agent.placed', agent: 'a', attempt: 2, host: 'h1' });
    await pass(3 * grace);
    t.deepEqual(ended(), []);
  }
});

test('an attempt of which nothing was created waits for its host', async t => {
  const { away, pass, ended } = desk({ story: [started({ a: [] }), enters(1, 'a', 'building')] });
  await away();
  await pass(2 * grace);
  t.deepEqual(ended(), []);
});

test('a create that may have landed is lost with the host', async t => {
  const { away, pass, ended } = desk({ story: [started({ a: [] }), creates(), enters(1, 'a', 'creating')] });
  await away();
  await pass(grace);
  t.like(ended(), [{ containerId: null, error: { phase: 'creating' } }]);
});

test('with a scheduler, an attempt of which nothing was created is lost once it has a host, and its room is released', async t => {
  const begun = [started({ a: [] }), enters(1, 'a', 'building')];
  const placed = desk({ story: [...begun, places('h2')], isScheduled: true });
  await placed.away();
  await placed.pass(grace);
  const released = 'release {"agent":"a","attempt":1}';
  t.deepEqual(placed.log.slice(1), ['attempt.ended', 'lose a', released]);
  const waiting = desk({ story: begun, isScheduled: true });
  await waiting.away({});
  await waiting.pass(2 * grace);
  t.deepEqual(waiting.ended(), []);
});

test('nothing is lost after the end of the run', async t => {
  const { away, pass, ending, ended } = desk();
  await away();
  ending.abort();
  await pass(2 * grace);
  t.deepEqual(ended(), []);
});
