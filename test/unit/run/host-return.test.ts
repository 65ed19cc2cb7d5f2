import test from 'ava';
import { id } from '../_helpers/actor-ports.ts';
import { at, attemptEnds, enters, failure, started } from '../_helpers/story.ts';
import {
  creates,
  desk,
  fails,
  grace,
  h2,
  minute,
  places,
  running,
  type Situation,
  unplaced,
} from './host-loss-desk.ts';

const isLost = attemptEnds(2, 'a', { ...failure('hostLost'), containerId: id, transcript: null });

const returned = 'h2 is back: the rest of attempt 1 of a on it is removed, its transcript is /runs/a/1';
/** The calls and events for a container on a host that has come back. */
const rest = [`kill ${id}`, 'warning', `logs --tail=1 ${id}`, 'workspace.saved', `rm ${id}`, 'warning'];

/** A run whose attempt is lost. */
async function lost(situation: Situation = {}) {
  const run = desk(situation);
  await run.away();
  await run.pass(grace);
  return { ...run, since: run.log.length };
}

test('a lost attempt is killed, collected, saved and removed when its host is back, with one warning', async t => {
  const { back, log, since, warnings, reaches, ended } = await lost();
  await back();
  t.deepEqual(log.slice(since), ['engine.reachable', ...rest]);
  t.is(warnings().at(-1), returned);
  t.deepEqual(reaches, ['h2']);
  t.is(ended().length, 1);
});

test('a container of a lost create is removed by its labels', async t => {
  const story = [started({ a: [] }), creates(), enters(1, 'a', 'creating')];
  const { back, log, since } = await lost({ story });
  await back();
  t.deepEqual(log.slice(since), ['engine.reachable', 'workspace.saved', `rm ${id}`]);
});

test('a container that cannot be collected changes nothing, and is left to the end of the run', async t => {
  const { back, log, since, warnings, settle } = await lost({ refused: 'logs' });
  await back();
  t.deepEqual(log.slice(since), ['engine.reachable', ...rest.slice(0, 4)]);
  await settle();
  t.deepEqual(log.slice(since), ['engine.reachable', ...rest.slice(0, 4)]);
  t.false(warnings().includes(returned));
});

test('the work of a lost attempt is saved also if its secrets cannot be read', async t => {
  const { back, log, since } = await lost({ refused: 'unseal' });
  await back();
  t.deepEqual(log.slice(since), ['engine.reachable', `kill ${id}`, 'workspace.saved']);
});

test('a lost attempt of an earlier process is removed when its host is back', async t => {
  for (const [plan, story] of [
    [fails, [...running, isLost]],
    [unplaced, [...running, places('h2'), isLost, enters(3, 'a', 'running', { attempt: 2 })]],
  ] as const) {
    const { back, log, reaches, warnings } = desk({ plan, story });
    t.deepEqual(reaches, ['h2']);
    await back();
    t.deepEqual(log, ['engine.reachable', ...rest]);
    t.is(warnings().at(-1), returned);
  }
});

test('an earlier attempt whose work is saved, or that was not lost, is left alone', async t => {
  const saved = { agent: 'a', attempt: 1, workspace: null, artifacts: [] };
  for (const story of [
    [...running, isLost, at(3, { type: 'workspace.saved', ...saved })],
    [...running, attemptEnds(2, 'a', failure('infrastructure'))],
    running,
  ])
    t.deepEqual(desk({ story }).reaches, []);
});

test('a lost attempt of an earlier process of which nothing is left has no warning', async t => {
  const { back, warnings } = desk({
    plan: { ...fails, workspace: { mode: 'none' } },
    story: [...running, isLost],
    existing: [],
  });
  await back();
  t.deepEqual(warnings(), []);
});

test('the end of the run saves what is on hosts that can be reached, once', async t => {
  const { append, back, pass, settle, log, since, warnings } = await lost();
  await append({ type: 'engine.reachable', ...h2 });
  let isSettled = false;
  const settled = settle().then(() => {
    isSettled = true;
  });
  await pass(0);
  t.false(isSettled);
  t.is(log.length, since + 1);
  await back();
  await settled;
  t.deepEqual(log.slice(since + 2), rest);
  t.is(warnings().filter(message => message === returned).length, 1);
});

test('the end of the run waits for what is being saved, and not for hosts that cannot be reached', async t => {
  const { back, pass, settle, log, disk } = await lost();
  await settle();
  const written = Promise.withResolvers<void>();
  const returns = back();
  disk.written = written.promise;
  await returns;
  let isSettled = false;
  const settled = settle().then(() => {
    isSettled = true;
  });
  await pass(0);
  t.false(isSettled);
  written.resolve();
  await pass(minute);
  await settled;
  t.deepEqual(log.slice(-rest.length), rest);
});
