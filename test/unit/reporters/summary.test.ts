import test from 'ava';
import { summary } from '../../../src/reporters/summary.ts';
import { resultOf } from '../../../src/state/result.ts';
import { table } from '../../../src/text/table.ts';
import { at, attemptEnds, ends, enters, failure, started, stateAfter } from '../_helpers/story.ts';

const places = { cwd: '/home/me/work', home: '/home/me' };
const three = started({ fixer: [], tests: ['fixer'], report: ['tests'] });

test('the summary is a table, a line of totals, and each failure with its next command', t => {
  const exit = { ...failure('exit', 'exited with 7'), exitCode: 7 };
  const state = stateAfter(
    three,
    enters(1, 'fixer', 'running.working'),
    attemptEnds(42, 'fixer', { transcript: '/home/me/s/fixer/1/transcript.log' }),
    ends(42, 'fixer'),
    enters(43, 'tests', 'running.working'),
    attemptEnds(44, 'tests', { ...exit, transcript: '/t/1' }),
    enters(45, 'tests', 'building', { attempt: 2 }),
    attemptEnds(46, 'tests', { ...exit, attempt: 2, transcript: '/home/me/work/t/2' }),
    ends(46, 'tests', exit),
    ends(46, 'report', { ...failure('dependency', 'depends on tests', 'waiting'), status: 'skipped' }),
    at(47, { type: 'run.ended', status: 'failed', exitCode: 1 }),
  );
  t.is(
    summary(state, places),
    [
      'AGENT   STATUS     EXIT  ATTEMPTS  TIME  TRANSCRIPT',
      'fixer   succeeded  0     1         41s   ~/s/fixer/1/transcript.log',
      'tests   failed     7     2         3.0s  t/2',
      'report  skipped    -     0         -     -',
      '',
      'r1234567: 1 succeeded, 1 failed, 1 skipped in 47s',
      '✗ tests failed while running: exited with 7',
      '  → agent-flow logs r1234567/tests',
    ].join('\n'),
  );
});

test('blocked hosts are on one line, which has at most five of them', t => {
  const hosts = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(name => `${name}.example:443`);
  const state = stateAfter(
    started({ one: [], two: [] }),
    attemptEnds(1, 'one', { blockedHosts: ['evil.example:443', '\u001b[31mred.example:80'] }),
    attemptEnds(1, 'two', { blockedHosts: hosts }),
  );
  const lines = summary(state, places).split('\n').slice(-2);
  t.is(lines[0], '! one: blocked: red.example:80, evil.example:443');
  t.is(
    lines[1],
    '! two: blocked: a.example:443, b.example:443, c.example:443, d.example:443, e.example:443 and 2 more',
  );
});

test('the last lines of the screen of an agent that needed input are shown without their frame', t => {
  const outcome = failure('needsInput', 'Gemini CLI asks for a login');
  const screen = `first\n${'more\n'.repeat(10)}╭────╮\n│ Log in? \u001b[31m│\n╰────╯`;
  const state = stateAfter(
    started({ a: [] }),
    enters(1, 'a', 'building'),
    attemptEnds(1, 'a', { ...outcome, screen }),
    ends(2, 'a', outcome),
  );
  const lines = summary(state, places).split('\n').slice(-14);
  t.deepEqual(lines, [
    '✗ a failed while running: Gemini CLI asks for a login',
    '  │ first',
    ...Array(10).fill('  │ more'),
    '  │ Log in?',
    '  → agent-flow logs r1234567/a',
  ]);
  t.is(resultOf(state).agents.a?.screen, screen);
});

test('a transcript has its shortest path', t => {
  const path = (transcript: string, cwd: string) =>
    summary(stateAfter(three, enters(1, 'fixer', 'building'), attemptEnds(1, 'fixer', { transcript })), {
      ...places,
      cwd,
    })
      .split('\n')[1]!
      .split(/ {2,}/)
      .at(-1);
  t.is(path('/home/me/a', '/srv/x/y'), '~/a');
  t.is(path('/home/me2/a', '/srv/deep/down/here'), '/home/me2/a');
  t.is(path('/home/me/work/a', '/home/me/work'), 'a');
  t.is(path('/tmp/a', '/'), '/tmp/a');
});

test('an agent without output has no command for its logs', t => {
  const next = (kind: string) =>
    summary(stateAfter(three, ends(1, 'fixer', failure(kind, 'no\nway', 'building'))), places)
      .split('\n')
      .slice(6);
  t.deepEqual(next('image'), ['✗ fixer failed while building: no', '    way']);
  t.deepEqual(next('nameConflict').slice(2), ['  → docker ps -a']);
});

test('an agent that timed out is listed with its reason, and a cancelled one is not', t => {
  const state = stateAfter(
    three,
    ends(1, 'fixer', { ...failure('timeout', 'too long'), status: 'timedOut' }),
    ends(1, 'tests', { status: 'cancelled', exitCode: null }),
    at(1, { type: 'run.cancel', reason: 'SIGINT' }),
    at(2, { type: 'run.ended', status: 'timedOut', exitCode: 4 }),
  );
  t.deepEqual(summary(state, places).split('\n').slice(5), [
    'r1234567: 1 timed out, 1 cancelled in 2.0s; cancelled: SIGINT',
    '✗ fixer timed out while running: too long',
  ]);
});

test('a success with a failed removal is listed with the command to clean up', t => {
  const error = { phase: 'removing', kind: 'infrastructure', message: 'left behind' };
  const lines = summary(stateAfter(three, ends(1, 'fixer', { error })), places).split('\n');
  t.deepEqual(lines.slice(6), [
    '! fixer succeeded, but while removing: left behind',
    '  → agent-flow cleanup',
  ]);
});

test('agents with the same failure and no output share a line', t => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const full = failure('network', 'no addresses left', 'networking');
  const state = stateAfter(
    started(Object.fromEntries(names.map(name => [name, []]))),
    ...names.map(name => ends(1, name, full)),
    ends(1, 'e', failure('network', 'another one', 'networking')),
  );
  t.deepEqual(summary(state, places).split('\n').slice(8), [
    '✗ a, b, c and 1 more failed while networking: no addresses left',
    '  → docker network ls',
    '✗ e failed while networking: another one',
    '  → docker network ls',
  ]);
});

test('warnings come last', t => {
  const warn = (agent: string | null) => at(1, { type: 'warning', agent, message: 'm\x1b[2J' } as const);
  const lines = summary(stateAfter(three, warn(null), warn('fixer')), places).split('\n');
  t.deepEqual(lines.slice(-2), ['! m', '! fixer: m']);
});

test('an agent without an end is listed with its state', t => {
  const lines = summary(
    stateAfter(three, enters(1, 'fixer', 'running.working'), enters(2, 'tests', 'evaluating')),
    places,
  ).split('\n');
  t.regex(lines[1]!, /^fixer {3}running +- +1 +- +-$/);
  t.regex(lines[2]!, /^tests {3}evaluating /);
  t.is(lines[5], 'r1234567: no agent has ended');
});

test('columns of a table are as wide as their widest cell, and no line ends with blanks', t => {
  t.is(
    table([
      ['A', 'B', 'C'],
      ['long', '', 'x'],
      ['', 'yy', ''],
    ]),
    'A     B   C\nlong      x\n      yy',
  );
  t.is(table([]), '');
});
