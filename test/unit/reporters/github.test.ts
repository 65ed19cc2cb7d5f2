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

test('a failed agent is an error with its failure, its attempts and the command for its logs', t => {
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

test('an agent that timed out or has no outcome is an error', t => {
  const state = stateAfter(
    started({ slow: [], lost: [] }),
    ends(1, 'slow', { ...failure('timeout', 'too long'), status: 'timedOut' }),
    enters(1, 'lost', 'running.working'),
  );
  const [slow, lost] = annotations(state);
  t.is(slow, '::error title=slow timed out::while running: too long');
  t.regex(lost!, /^::error title=lost failed::/);
});

test('a success after a failed attempt is a warning, and other agents have no annotation', t => {
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

test('a warning of the run is a warning', t => {
  const state = stateAfter(
    started({ a: [] }),
    ends(1, 'a'),
    at(2, { type: 'warning', agent: null, message: 'left behind' }),
  );
  t.deepEqual(annotations(state), ['::warning title=agent-flow::left behind']);
});

test('a message cannot end its command, add a property or begin another command', t => {
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

test('a transcript is a group in which the runner executes no command', t => {
  const state = stateAfter(
    started({ a: [] }),
    enters(0, 'a', 'running.working'),
    attemptEnds(2, 'a', exit),
    ends(3, 'a', exit),
  );
  const transcript = [
    '::error::mine',
    '  ::set-output name=x::y',
    'a ##[add-mask]e',
    '##[endgroup]',
    '::endgroup::',
    '::stop-commands::other',
    '::other::',
    '\x1b[2K::warning::z\r::notice::w',
  ];
  const lines = transcriptGroup(outcomesOf(state)[0]!, transcript, 'token');
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
  t.true(executedCommands(transcript).length > 4, 'control: the lines contain commands');
});

test('commands are executed again only after the token', t => {
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
