import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { parse, type TestSuites } from 'junit2json';
import { combineReporters } from '../../../src/commands/reports/combine-reporters.ts';
import type { Reporter } from '../../../src/commands/reports/reporter.ts';
import { type ReportOptions, reportersFor } from '../../../src/commands/reports/reporters-for.ts';
import { UsageError } from '../../../src/errors.ts';
import { eventSchema, type RunEvent } from '../../../src/events.ts';
import { executedCommands } from '../_helpers/runner.ts';
import { at, attemptEnds, ends, enters, started, stateAfter } from '../_helpers/story.ts';

const exit = {
  status: 'failed',
  exitCode: 7,
  error: { phase: 'running', kind: 'exit', message: 'exited with 7' },
} as const;

/** Events of a run whose only agent failed, with this transcript. */
const failing = (transcript: string): readonly RunEvent[] => [
  started({ a: [] }),
  enters(1, 'a', 'running.working'),
  attemptEnds(2, 'a', { ...exit, transcript }),
  ends(3, 'a', exit),
  at(4, { type: 'run.ended', status: 'failed', exitCode: 1 }),
];

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'agent-flow-reports-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const nowhere = () => new Writable({ write: (_, __, done) => done() });

function open(options: Partial<ReportOptions>, env: NodeJS.ProcessEnv = {}, stdout: Writable = nowhere()) {
  const output: string[] = [];
  const printLine = (line: string) => output.push(line);
  return {
    output,
    reports: combineReporters(
      reportersFor({ json: false, ...options }, env, { stdout, printLine }),
      printLine,
    ),
  };
}

async function replay(reports: Required<Reporter>, events: readonly RunEvent[]) {
  for (const event of events) reports.onEvent(event);
  await reports.onEnd(stateAfter(...events));
  await reports.close();
}

test('without options, there are no reporters', t => {
  t.deepEqual(reportersFor({ json: true }, {}, { stdout: nowhere(), printLine: () => {} }), []);
});

test('a report that cannot be written is refused before anything starts', t => {
  const place = folder(t);
  const file = join(place, 'file');
  writeFileSync(file, 'here');
  const refused: readonly (readonly [Partial<ReportOptions>, RegExp])[] = [
    [{ junit: join(place, 'no', 'junit.xml') }, /--junit .*\/no is not a directory\. Create it first/],
    [{ junit: join(file, 'junit.xml') }, /file is not a directory/],
    [{ junit: place }, /it is a directory/],
    [{ junit: '-' }, /a file name is required/],
    [
      { events: join(place, 'no', 'events') },
      /--events .* cannot be written: no such file or directory\. Name another/,
    ],
    [{ events: place }, /--events .*directory/],
    [{ events: '-', json: true }, /--events - and --json both write to stdout/],
    [{ spec: file, junit: file }, /--junit and the spec are the same file/],
    [{ spec: file, events: join(place, '.', 'file') }, /--events and the spec are the same file/],
    [{ junit: join(place, 'x'), events: join(place, 'x') }, /--events and --junit are the same file/],
  ];
  for (const [options, message] of refused)
    t.throws(() => open(options), { instanceOf: UsageError, message });
  t.is(readFileSync(file, 'utf8'), 'here');
});

test('every event is a line that the schema accepts, and is written before the run ends', async t => {
  const file = join(folder(t), 'events.jsonl');
  writeFileSync(file, 'of an earlier run\n');
  const { reports, output } = open({ events: file });
  const events = failing('/t');
  reports.onEvent(events[0]!);
  while (!existsSync(file) || !readFileSync(file, 'utf8').endsWith('}\n')) await delay(10);
  await replay(reports, events.slice(1));
  const lines = readFileSync(file, 'utf8').split('\n');
  t.is(lines.pop(), '');
  t.deepEqual(
    lines.map(line => eventSchema.parse(JSON.parse(line))),
    [...events],
  );
  t.deepEqual(output, []);
});

test('events on stdout leave it open, and are complete when the reporter is closed', async t => {
  const slow: string[] = [];
  const stdout = new Writable({
    highWaterMark: 1,
    write: (chunk, _, done) => void setImmediate(() => done(void slow.push(String(chunk)) as never)),
  });
  const { reports } = open({ events: '-' }, {}, stdout);
  await replay(reports, failing('/t'));
  t.is(slow.join('').trimEnd().split('\n').length, 5);
  t.false(stdout.writableEnded);
  t.is(stdout.listenerCount('error'), 0);
});

test('no event on stdout is a command for the CI runner', async t => {
  const stdout = new PassThrough();
  const { reports } = open({ events: '-' }, {}, stdout);
  const [event] = failing('/t');
  const warning = { ...event!, type: 'warning' as const, agent: null, message: '##vso[task.prependpath]/w' };
  reports.onEvent(warning);
  await reports.close();
  const line = String(stdout.read());
  t.notRegex(line, /##vso\[/);
  t.like(JSON.parse(line), { message: warning.message });
});

test('a reader that closes its pipe causes one warning at the end', async t => {
  const stdout = new Writable({
    write: (_, __, done) => done(Object.assign(new Error('write EPIPE'), { errno: -32 })),
  });
  const { reports, output } = open({ events: '-' }, {}, stdout);
  reports.onEvent(failing('/t')[0]!);
  await replay(reports, failing('/t').slice(1));
  t.deepEqual(output, [
    "warning: --events - is incomplete: broken pipe. All events are in the run's journal.jsonl",
  ]);
});

test('a full disk causes one warning at the end', async t => {
  const { reports, output } = open({ events: '/dev/full' });
  await replay(reports, failing('/t'));
  t.is(output.length, 1);
  t.regex(output[0]!, /^warning: --events \/dev\/full is incomplete: no space left on device/);
});

test('JUnit has the end of the output of a failed agent', async t => {
  const place = folder(t);
  const transcript = join(place, 'transcript.log');
  const printed = Array.from({ length: 200 }, (_, index) => `line ${index}`);
  writeFileSync(transcript, `${printed.join('\r\n')}\r\n\r\n`);
  const file = join(place, 'junit.xml');
  const { reports, output } = open({ junit: file });
  t.false(existsSync(file));
  await replay(reports, failing(transcript));
  const { testsuite } = (await parse(readFileSync(file))) as TestSuites;
  const lines = testsuite![0]!.testcase![0]!['system-out']![0]!.split('\n');
  t.deepEqual(lines, [...printed.slice(-50), `[[ATTACHMENT|${transcript}]]`]);
  t.deepEqual(output, []);
});

test('a JUnit report that cannot be written at the end causes one warning', async t => {
  const place = folder(t);
  mkdirSync(join(place, 'gone'));
  const { reports, output } = open({ junit: join(place, 'gone', 'junit.xml') });
  rmSync(join(place, 'gone'), { recursive: true });
  await replay(reports, failing('/t'));
  t.is(output.length, 1);
  t.regex(output[0]!, /^warning: --junit .* was not written: no such file or directory$/);
});

test('a reporter that throws gets no more events, does not affect others, and causes one warning', async t => {
  const received: string[] = [];
  const output: string[] = [];
  const broken: Reporter = {
    onEvent() {
      received.push('broken');
      throw new Error('no more');
    },
    onEnd: () => void received.push('broken'),
    close: () => Promise.reject(new Error('not this one')),
  };
  const whole: Reporter = {
    onEvent: ({ type }) => void received.push(type),
    onEnd: () => void received.push('end'),
  };
  const reports = combineReporters([broken, whole], line => output.push(line));
  reports.onEvent(failing('/t')[0]!);
  reports.onEvent(failing('/t')[1]!);
  await reports.onEnd(stateAfter(...failing('/t')));
  await reports.close();
  await reports.close();
  t.deepEqual(received, ['broken', 'run.started', 'agent.state', 'end']);
  t.deepEqual(output, ['warning: no more']);
});

test('on GitHub, no output during a run is a command, and its end is annotated', async t => {
  const place = folder(t);
  const transcript = join(place, 'transcript.log');
  const summary = join(place, 'summary');
  const printed = Array.from({ length: 600 }, (_, index) => `::error::line ${index}`);
  writeFileSync(transcript, printed.join('\n'));
  writeFileSync(summary, 'of a step before\n');
  const { reports, output } = open({}, { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary });
  const events = failing(transcript);
  reports.onEvent(events[0]!);
  output.push('backing off: ##[add-mask]e', '::error::from docker');
  await replay(reports, events);
  t.deepEqual(
    executedCommands(output).map(({ name }) => name),
    ['error', 'group', 'endgroup'],
  );
  const lines = output.filter(line => line.startsWith('::error::line'));
  t.deepEqual(lines, printed.slice(-500));
  const tokens = output.flatMap(line => /^::stop-commands::(.*)$/.exec(line)?.[1] ?? []);
  t.is(new Set(tokens).size, 2);
  for (const token of tokens) t.regex(token, /^[0-9a-f]{32}$/);
  t.regex(readFileSync(summary, 'utf8'), /^of a step before\n### `fix`\n[\s\S]*\| `a` \| failed \| 7 \|/);
});

test('a run that breaks off enables the commands of the runner again', async t => {
  const { reports, output } = open({}, { GITHUB_ACTIONS: 'true' });
  reports.onEvent(failing('/t')[0]!);
  await reports.close();
  t.deepEqual(executedCommands([...output, '::error::x']), [{ name: 'error', text: 'x' }]);
});

test('a summary that cannot be written causes one warning, and the annotations are printed', async t => {
  const { reports, output } = open({}, { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: folder(t) });
  await replay(reports, failing('/t'));
  t.deepEqual(
    executedCommands(output).map(({ name }) => name),
    ['error'],
  );
  t.regex(output.at(-1)!, /^warning: the step summary .* was not written: .*directory/);
  t.is(output.filter(line => line.startsWith('warning')).length, 1);
});

test('a summary stays within the limit of GitHub', async t => {
  const summary = join(folder(t), 'summary');
  appendFileSync(summary, 'x'.repeat((1 << 20) - 20));
  const { reports, output } = open({}, { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary });
  await replay(reports, failing('/t'));
  t.true(readFileSync(summary).length <= 1 << 20);
  t.false(output.some(line => line.startsWith('warning')));
});
