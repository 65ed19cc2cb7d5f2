import test from 'ava';
import { XMLValidator } from 'fast-xml-parser';
import { parse, type TestCase, type TestSuites } from 'junit2json';
import { junit } from '../../../src/reporters/junit.ts';
import type { FlowState } from '../../../src/state/flow-state.ts';
import {
  at,
  attemptEnds,
  ends,
  enters,
  failure,
  started,
  startedWith,
  stateAfter,
} from '../_helpers/story.ts';

/** Parse the report as a consumer does. */
async function read(state: FlowState, tails?: ReadonlyMap<string, string>) {
  const xml = junit(state, tails);
  const suites = (await parse(xml)) as TestSuites;
  const suite = suites.testsuite![0]!;
  const cases = Object.fromEntries((suite.testcase ?? []).map(entry => [entry.name, entry]));
  return { xml, suites, suite, cases: cases as Record<string, TestCase> };
}

const exit = {
  status: 'failed',
  exitCode: 7,
  error: { phase: 'running', kind: 'exit', message: 'exited with 7' },
} as const;

const mixed = stateAfter(
  started({ good: [], bad: [], slow: [], lost: [], after: ['bad'], stopped: [] }),
  enters(1, 'good', 'running.working'),
  attemptEnds(2, 'good'),
  ends(3.25, 'good'),
  enters(1, 'bad', 'running.working'),
  attemptEnds(2, 'bad', exit),
  ends(3, 'bad', exit),
  ends(3, 'slow', { ...failure('timeout'), status: 'timedOut' }),
  ends(3, 'lost', failure('infrastructure')),
  ends(3, 'after', { ...failure('dependency', 'bad did not succeed', 'waiting'), status: 'skipped' }),
  ends(3, 'stopped', { status: 'cancelled', exitCode: null }),
  at(9, { type: 'run.ended', status: 'failed', exitCode: 4 }),
);

test('a flow is a suite with a case per agent and correct counts', async t => {
  const { xml, suites, suite, cases } = await read(mixed);
  t.true(XMLValidator.validate(xml) === true);
  t.like(suites, { name: 'agent-flow', tests: 6, failures: 2, errors: 1 });
  t.like(suite, { name: 'fix', tests: 6, failures: 2, errors: 1, skipped: 2, time: 9 });
  t.is(suite.timestamp, '2026-01-02T12:00:00.000Z');
  t.is(suite.hostname, undefined);
  t.like(cases.good, { classname: 'fix', time: 2.25 });
  t.deepEqual(Object.keys(cases), ['good', 'bad', 'slow', 'lost', 'after', 'stopped']);
});

test('a failed agent is a failure with its phase, exit code, attempts and the command for its logs', async t => {
  const { cases } = await read(mixed);
  const [bad] = cases.bad!.failure!;
  t.like(bad, { type: 'exit', message: 'exited with 7' });
  for (const line of [
    'exited with 7',
    'phase: running',
    'exit code: 7',
    'attempts: 1',
    'more: agent-flow logs r1234567/bad',
  ])
    t.true(bad!.inner!.split('\n').includes(line), line);
  t.is(cases.slow!.failure![0]!.type, 'timeout');
});

for (const kind of ['infrastructure', 'unreachable', 'nameConflict', 'network', 'outOfResources'])
  test(`a failure of kind ${kind} is an error, not a failure`, async t => {
    const { cases, suite } = await read(stateAfter(started({ a: [] }), ends(1, 'a', failure(kind))));
    t.is(cases.a!.error![0]!.type, kind);
    t.is(cases.a!.failure, undefined);
    t.like(suite, { failures: 0, errors: 1 });
  });

test('skipped and cancelled agents are skipped with their reason', async t => {
  const { cases } = await read(mixed);
  t.is(cases.after!.skipped![0]!.message, 'bad did not succeed');
  t.is(cases.stopped!.skipped![0]!.message, 'cancelled: cancelled');
  const reason = stateAfter(
    started({ a: [] }),
    at(1, { type: 'run.cancel', reason: 'SIGINT' }),
    ends(2, 'a', { status: 'cancelled', exitCode: null }),
  );
  t.is((await read(reason)).cases.a!.skipped![0]!.message, 'cancelled: SIGINT');
});

test('an agent without an outcome is an error', async t => {
  const { cases } = await read(stateAfter(started({ a: [] }), enters(1, 'a', 'running.working')));
  t.is(cases.a!.error![0]!.type, 'infrastructure');
  t.is(cases.a!.time, 0);
});

test('failed attempts before a success are listed in the output of the passed case', async t => {
  const { cases, suite } = await read(
    stateAfter(
      started({ a: [] }),
      attemptEnds(1, 'a', exit),
      attemptEnds(2, 'a', { attempt: 2, transcript: '/state/a/2/transcript.log' }),
      ends(3, 'a'),
    ),
  );
  t.like(suite, { failures: 0, errors: 0, skipped: 0 });
  t.deepEqual(cases.a!['system-out'], [
    'attempt 1 failed: exited with 7\n[[ATTACHMENT|/state/a/2/transcript.log]]',
  ]);
});

test('the end of a transcript is plain text, before the line that attaches the file', async t => {
  const { cases } = await read(mixed, new Map([['bad', 'one\n\x1b[31mtwo\x1b[0m\n']]));
  t.deepEqual(cases.bad!['system-out'], ['one\ntwo\n[[ATTACHMENT|/state/bad/1/transcript.log]]']);
});

test('an agent cannot attach a file of the host', async t => {
  const tail = 'x\n[[ATTACHMENT|/etc/passwd]]\n[[ attachment|/etc/group]]\n[\x1b[0m[ATTACHMENT|/etc/hosts]]';
  const { xml } = await read(mixed, new Map([['bad', tail]]));
  t.deepEqual(xml.match(/\[\[\s*attachment\|[^\]]*/gi), [
    '[[ATTACHMENT|/state/good/1/transcript.log',
    '[[ATTACHMENT|/state/bad/1/transcript.log',
  ]);
});

test('hostile text is escaped, and characters that XML forbids are removed', async t => {
  const hostile =
    ']]></failure><testcase name="x"/>&amp;&#0; "\'\x00\x0b\x1b[1m\ufffe\uffff\ud800 \u{1f600}\x85';
  const error = { phase: 'running', kind: 'ex"<it', message: hostile };
  const state = stateAfter(
    started({ a: [] }),
    attemptEnds(1, 'a', { status: 'failed', exitCode: 1, error }),
    ends(1, 'a', { status: 'failed', exitCode: 1, error }),
  );
  const { xml, suite, cases } = await read({ ...state, name: hostile }, new Map([['a', hostile]]));
  t.true(XMLValidator.validate(xml) === true);
  t.notRegex(xml, /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u);
  t.is(suite.testcase!.length, 1);
  const plain = ']]></failure><testcase name="x"/>&amp;&#0; "\' \u{1f600}';
  t.is(suite.name, plain);
  t.is(cases.a!.failure![0]!.message, plain);
  t.is(cases.a!.failure![0]!.type, 'ex"<it');
  t.is(cases.a!.failure![0]!.inner!.split('\n')[0], plain);
  t.true(cases.a!['system-out']![0]!.startsWith(`${plain}\n`));
});

test('a failed removal after a success is reported without a failure', async t => {
  const error = { phase: 'removing', kind: 'infrastructure', message: 'left behind' };
  const { cases, suite } = await read(stateAfter(started({ a: [] }), ends(1, 'a', { error })));
  t.like(suite, { failures: 0, errors: 0 });
  t.deepEqual(cases.a!['system-out'], ['while removing: left behind']);
});

test('the values of a matrix are properties of the case', async t => {
  const state = stateAfter(startedWith({ 'a-20': { matrix: { node: 20 } } }), ends(1, 'a-20'));
  t.regex(
    (await read(state)).xml,
    /<testcase [^>]*name="a-20"(?:.|\n)*<property name="matrix.node" value="20"\/>/,
  );
});
