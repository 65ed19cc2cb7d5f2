import { stripVTControlCharacters } from 'node:util';
import test from 'ava';
import { frame, type RenderOptions } from '../../../src/reporters/frame.ts';
import { type FlowState, reduce } from '../../../src/state/flow-state.ts';
import { widthOf } from '../../../src/text/width.ts';
import {
  at,
  attemptEnds,
  ends,
  enters,
  failure,
  noon,
  started,
  startedWith,
  stateAfter,
} from '../_helpers/story.ts';

const two = started({ fixer: [], 'long-name': ['fixer'] });

const options = (more: Partial<RenderOptions> & { after?: number } = {}): RenderOptions => ({
  now: noon + (more.after ?? 0) * 1000,
  columns: 200,
  rows: 24,
  outputs: new Map(),
  color: false,
  ...more,
});

const rows = (state: FlowState, more: Parameters<typeof options>[0] = {}) => frame(state, options(more));

/** Return the line of one agent, with single blanks between its columns. */
const row = (state: FlowState, more: Parameters<typeof options>[0] = {}, index = 0) =>
  rows(state, more)[index]!.replace(/ +/g, ' ');

test('a frame has a line per agent in the order of the spec, then a status line', t => {
  const state = stateAfter(two, enters(1, 'fixer', 'building'));
  t.deepEqual(rows(state, { after: 62 }), [
    '● fixer      building            1m 1s',
    '· long-name  waiting             1m 2s  for fixer',
    'r1234567  1m 2s  ·  0 of 2 done  ·  press Ctrl-C to stop and remove all agents',
  ]);
});

test('the line of an agent ends with its last line of output, without escape sequences', t => {
  const state = stateAfter(two, enters(1, 'fixer', 'running.working'));
  const outputs = new Map([['fixer', '\x1b[32mreading\x1b[0m\x07 src\r\n']]);
  t.is(row(state, { outputs, after: 3 }), '● fixer running 2.0s reading src');
});

test('the output of an agent is shown only while it may print', t => {
  const outputs = new Map([['fixer', 'output']]);
  const line = (state: string) => row(stateAfter(two, enters(1, 'fixer', state)), { outputs, after: 2 });
  t.is(line('stopping.killing'), '● fixer killing 1.0s output');
  t.is(line('collecting.reading'), '● fixer collecting 1.0s');
  t.is(line('building'), '● fixer building 1.0s');
});

test('the columns stay in place when the state changes', t => {
  const column = (state: string) =>
    rows(stateAfter(two, enters(1, 'fixer', state)), { after: 2 })[0]!.indexOf('1.0s');
  t.is(column('building'), column('waitingForTmux'));
});

test('the number of an attempt after the first is shown', t => {
  const state = stateAfter(two, enters(1, 'fixer', 'running.working', { attempt: 2 }));
  t.is(row(state, { after: 1 }), '● fixer running 0.0s attempt 2');
});

test('the line of an ended agent has its mark, status, time and reason, but no output', t => {
  const outputs = new Map([['fixer', 'output']]);
  const line = (more: Parameters<typeof ends>[2] = {}) =>
    row(stateAfter(two, enters(1, 'fixer', 'running.working'), ends(42.5, 'fixer', more)), {
      outputs,
      after: 99,
    });
  t.is(line(), '✓ fixer succeeded 41s');
  t.is(line(failure('exit', 'exited with 7')), '✗ fixer failed 41s exited with 7');
  t.is(line({ ...failure('timeout', 'too\nlong'), status: 'timedOut' }), '✗ fixer timed out 41s too long');
  t.is(line({ status: 'cancelled' }), '■ fixer cancelled 41s');
});

test('an agent that was skipped has no time', t => {
  const state = stateAfter(
    two,
    ends(4, 'long-name', { ...failure('dependency', 'depends on fixer'), status: 'skipped' }),
  );
  t.is(row(state, {}, 1), '– long-name skipped depends on fixer');
});

test('the line of a waiting agent has the cause and the remaining time', t => {
  const state = stateAfter(two, enters(1, 'fixer', 'backingOff', { cause: 'EOF', until: noon + 5000 }));
  t.is(row(state, { after: 2 }), '● fixer backing off 1.0s EOF, resumes in 3.0s');
  const bare = stateAfter(two, enters(1, 'fixer', 'backingOff', { until: noon + 5000 }));
  t.is(row(bare, { after: 2 }), '● fixer backing off 1.0s resumes in 3.0s');
});

test('the line of an agent between attempts has the failure of the last one', t => {
  const state = stateAfter(
    two,
    enters(1, 'fixer', 'building'),
    attemptEnds(1, 'fixer', failure('exit', 'exited with 7')),
    enters(2, 'fixer', 'retrying', { until: noon + 4000 }),
  );
  t.is(row(state, { after: 3 }), '● fixer waiting to try again 1.0s exited with 7, resumes in 1.0s');
});

test('an agent that needs input is marked', t => {
  t.is(
    row(stateAfter(two, enters(1, 'fixer', 'running.needsInput')), { after: 2 }),
    '? fixer needs input 1.0s',
  );
});

test('a transient substate is shown as its top-level state', t => {
  t.is(row(stateAfter(two, enters(1, 'fixer', 'stopping.checking')), { after: 2 }), '● fixer stopping 1.0s');
});

test('the status line counts ended agents, and its time stops with the run', t => {
  const state = stateAfter(
    two,
    ends(1, 'fixer'),
    at(9, { type: 'run.ended', status: 'succeeded', exitCode: 0 }),
  );
  t.is(rows(state, { after: 99 }).at(-1), 'r1234567  9.0s  ·  1 of 2 done');
});

test('the status line of a cancelled run has the reason and how to remove all at once', t => {
  const state = stateAfter(two, at(1, { type: 'run.cancel', reason: 'SIGINT' }));
  t.is(
    rows(state).at(-1),
    'r1234567  0.0s  ·  0 of 2 done  ·  cancelling: SIGINT; press Ctrl-C again to remove all at once',
  );
});

test('an unreachable engine is shown', t => {
  const state = stateAfter(two, at(1, { type: 'engine.unreachable', message: 'no\nanswer' }));
  t.regex(rows(state).at(-1)!, /0 of 2 done {2}· {2}Docker engine unreachable: no answer {2}·/);
});

test('an overloaded engine is shown until it recovers', t => {
  const throttled = (atOnce: number | null) => at(1, { type: 'engine.throttled', atOnce, reason: 'slow' });
  const state = stateAfter(two, throttled(2));
  t.regex(rows(state).at(-1)!, /0 of 2 done {2}· {2}Docker is overloaded: starting 2 at once {2}·/);
  t.notRegex(rows(stateAfter(two, throttled(2), throttled(null))).at(-1)!, /overloaded/);
});

test('the last three warnings are shown', t => {
  const warnings = [1, 2, 3, 4].map(n =>
    at(n, { type: 'warning', agent: n === 4 ? 'fixer' : null, message: `w${n}\n` }),
  );
  t.deepEqual(rows(stateAfter(two, ...warnings)).slice(2, -1), ['! w2', '! w3', '! fixer: w4']);
});

/** Return the state of agents `a01`, `a02`, …, which enter the states that `place` returns, or none for null. */
function stateOf(count: number, place: (number: number) => string | null) {
  const names = Array.from({ length: count }, (_, index) => `a${String(index + 1).padStart(2, '0')}`);
  const events = names.flatMap((name, index) => {
    const state = place(index + 1);
    if (state === null) return [];
    if (state === 'failed') return [ends(2, name, failure('exit', 'exited with 7'))];
    return [state === 'succeeded' ? ends(2, name) : enters(1, name, state)];
  });
  return stateAfter(started(Object.fromEntries(names.map(name => [name, []]))), ...events);
}

const withWarnings = (state: FlowState, count: number) =>
  Array.from({ length: count }, (_, index) =>
    at(3, { type: 'warning', agent: null, message: `w${index + 1}` }),
  ).reduce(reduce, state);

test('forty agents on 24 rows: active ones come first, then failed ones, and the rest is counted', t => {
  const states = [
    'succeeded',
    null,
    'failed',
    'running.working',
    'succeeded',
    null,
    'running.needsInput',
    'building',
  ];
  const state = stateOf(40, number => states[number % 8]!);
  const lines = rows(state, { after: 4 });
  t.true(lines.length < 24);
  const active = [3, 6, 7]
    .flatMap(state => [0, 1, 2, 3, 4].map(row => row * 8 + state))
    .sort((a, b) => a - b);
  const name = (number: number) => `a${String(number).padStart(2, '0')}`;
  t.deepEqual(
    lines.slice(0, -2).map(line => line.slice(2, 5)),
    [...active.map(name), ...[2, 10, 18, 26, 34].map(name)],
  );
  t.is(lines.at(-2), '… 10 waiting, 10 succeeded');
  t.true(lines.at(-1)!.startsWith('r1234567'));
});

test('agents that need input are kept if the active ones do not fit, in the order of the spec', t => {
  const state = stateOf(40, number =>
    number % 20 === 0 ? 'running.needsInput' : number % 2 ? 'running.working' : 'failed',
  );
  const lines = rows(state, { rows: 8, after: 4 });
  t.deepEqual(
    lines.map(line => line.replace(/ +/g, ' ')),
    [
      '● a01 running 3.0s',
      '● a03 running 3.0s',
      '● a05 running 3.0s',
      '? a20 needs input 3.0s',
      '? a40 needs input 3.0s',
      '… 17 running, 18 failed',
      'r1234567 4.0s · 18 of 40 done · press Ctrl-C to stop and remove all agents',
    ],
  );
});

test('the order does not depend on activity, and is that of the spec if all agents fit', t => {
  const idle = stateOf(30, number => (number <= 5 ? 'running.idle' : null));
  const active = stateOf(30, number =>
    number <= 5 ? (number === 3 ? 'running.needsInput' : 'running.working') : null,
  );
  const names = (state: FlowState, rowsOf: number) =>
    rows(state, { rows: rowsOf }).map(line => line.slice(2, 5));
  t.deepEqual(names(idle, 24).slice(0, 5), names(active, 24).slice(0, 5));
  t.deepEqual(names(active, 32).slice(0, 30), Object.keys(active.agents));
});

test('a frame is lower than its terminal and always has the status line', t => {
  for (const count of [0, 1, 3, 40])
    for (const warnings of [0, 1, 4]) {
      const active = stateOf(count, number => (number % 3 === 0 ? 'running.working' : null));
      const state = withWarnings(active, warnings);
      for (const height of [0, 1, 2, 3, 4, 5, 6, 10, 24, 200]) {
        const lines = rows(state, { columns: 80, rows: height });
        t.true(lines.length <= Math.max(1, height - 1), `${count} agents on ${height} rows: ${lines.length}`);
        t.true(lines.at(-1)!.startsWith('r1234567'));
        if (height >= 5 && height < count) t.regex(lines[0]!, /^● a03/);
      }
    }
});

test('a single agent on five rows is shown with its warnings', t => {
  const state = withWarnings(
    stateOf(1, () => 'running.working'),
    2,
  );
  t.deepEqual(
    rows(state, { columns: 80, rows: 5 }).map(line => line.slice(0, 5)),
    ['● a01', '! w1', '! w2', 'r1234'],
  );
});

test('no line is wider than the terminal', t => {
  const state = stateAfter(
    two,
    enters(1, 'fixer', 'running.working'),
    at(2, { type: 'warning', agent: null, message: '漢'.repeat(99) }),
    at(2, { type: 'engine.unreachable', message: 'x'.repeat(99) }),
  );
  const outputs = new Map([['fixer', '\x1b[31m漢字😀'.repeat(50)]]);
  for (const columns of [0, 1, 2, 7, 20, 41, 42, 80, 81])
    for (const color of [false, true])
      for (const line of rows(state, { columns, color, outputs, after: 5 }))
        t.true(widthOf(stripVTControlCharacters(line)) <= columns, `${columns}: ${line}`);
  t.true(rows(state, { columns: 80, outputs })[0]!.endsWith('…'));
});

test('colour does not change the text', t => {
  const state = stateAfter(
    two,
    enters(1, 'fixer', 'running.working'),
    ends(2, 'long-name', failure('exit', 'no')),
  );
  const coloured = rows(state, { color: true });
  t.deepEqual(
    coloured.map(line => stripVTControlCharacters(line).trimEnd()),
    rows(state),
  );
  t.true(coloured[0]!.startsWith('\x1b[36m● \x1b[39m'));
  t.true(coloured[1]!.startsWith('\x1b[31m✗ \x1b[39m'));
});

test('the line of a waiting agent has the results that it waits for', t => {
  const state = stateAfter(
    startedWith({ a: {}, b: {}, c: { dependsOn: ['a', 'b'], on: { a: 'failed', b: 'ended' } } }),
  );
  t.is(row(state, { after: 2 }, 2), '· c waiting 2.0s for a (failed), b (ended)');
});
