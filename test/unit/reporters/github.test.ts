import test from 'ava';
import { annotations, resumeCommands, stopCommands, transcriptGroup } from '../../../src/reporters/github.ts';
import { outcomesOf } from '../../../src/state/outcomes.ts';
import { executedCommands } from '../_helpers/runner.ts';
import { at, attemptEnds, ends, enters, failure, started, stateAfter } from '../_helpers/story.ts';

const exit = {
  status: 'failed',
  exitCode: 7,
  error: { phase: 'running', kind: 'exit', message: 'exited with 7' },
} as const;

test('a failed agent is an error that tells what happened and where there is more', t => {
  const state = stateAfter(
    started({ a: [] }),
    attemptEnds(1, 'a', exit),
    attemptEnds(2, 'a', { ...exit, attempt: 2 }),
    ends(3, 'a', exit),
  );
  t.deepEqual(annotations(state), [
    '::error title=a failed::while running: exited with 7%0A2 attempts%0Aagent-flow logs r1234567/a',
  ]);
});

test('an agent that timed out is an error, one that was lost too', t => {
  const state = stateAfter(
    started({ slow: [], lost: [] }),
    ends(1, 'slow', { ...failure('timeout', 'too long'), status: 'timedOut' }),
    enters(1, 'lost', 'running.working'),
  );
  const [slow, lost] = annotations(state);
  t.is(slow, '::error title=slow timed out::while running: too long');
  t.regex(lost!, /^::error title=lost failed::/);
});

test('an agent that succeeded in the end is a warning; others that did not fail are nothing', t => {
  const state = stateAfter(
    started({ again: [], good: [], after: ['good'], stopped: [] }),
    attemptEnds(1, 'again', exit),
    attemptEnds(2, 'again', { attempt: 2 }),
    ends(3, 'again'),
    attemptEnds(1, 'good'),
    ends(1, 'good'),
    ends(1, 'after', { ...failure('dependency'), status: 'skipped' }),
    ends(1, 'stopped', { status: 'cancelled', exitCode: null }),
  );
  t.deepEqual(annotations(state), [
    '::warning title=again succeeded after 2 attempts::the first: exited with 7',
  ]);
});

test('what a run warns of is a warning', t => {
  const state = stateAfter(
    started({ a: [] }),
    ends(1, 'a'),
    at(2, { type: 'warning', agent: null, message: 'left behind' }),
  );
  t.deepEqual(annotations(state), ['::warning title=agent-flow::left behind']);
});

test('no message can end its command, add a property or begin another', t => {
  const message = 'x%0A::error::y\n::set-output name=a::b\r##[add-mask]c, file=d::';
  const state = stateAfter(
    started({ a: [] }),
    ends(1, 'a', { status: 'failed', exitCode: null, error: { phase: 'running', kind: 'exit', message } }),
    at(2, { type: 'warning', agent: 'x,file=y::z%', message }),
  );
  const lines = annotations(state);
  t.deepEqual(
    executedCommands(lines).map(({ name }) => name),
    ['error', 'warning'],
  );
  t.true(lines[0]!.startsWith('::error title=a failed::while running: x%250A::error::y'));
  t.true(lines[1]!.startsWith('::warning title=x%2Cfile=y%3A%3Az%25::'));
});

test('a transcript is folded under its agent, and nothing in it speaks to the runner', t => {
  const state = stateAfter(
    started({ a: [] }),
    enters(0, 'a', 'running.working'),
    attemptEnds(2, 'a', exit),
    ends(3, 'a', exit),
  );
  const said = [
    '::error::mine',
    '  ::set-output name=x::y',
    'a ##[add-mask]e',
    '##[endgroup]',
    '::endgroup::',
    '::stop-commands::other',
    '::other::',
    '\x1b[2K::warning::z\r::notice::w',
  ];
  const lines = transcriptGroup(outcomesOf(state)[0]!, said, 'token');
  t.deepEqual(lines.slice(0, 3), [
    '::group::a: failed, exit 7, 3.0s',
    '::stop-commands::token',
    '::error::mine',
  ]);
  t.deepEqual(executedCommands(lines), [
    { name: 'group', text: 'a: failed, exit 7, 3.0s' },
    { name: 'endgroup', text: '' },
  ]);
  t.false(lines.some(line => line.includes('##[')));
  t.true(executedCommands(said).length > 4, 'the runner of this test obeys them where they are not stopped');
});

test('commands are executedCommands again after the token, and only after it', t => {
  const lines = [
    stopCommands('t1'),
    '::error::a',
    '::t2::',
    '::error::b',
    resumeCommands('t1'),
    '::error::c',
  ];
  t.deepEqual(executedCommands(lines), [{ name: 'error', text: 'c' }]);
});
