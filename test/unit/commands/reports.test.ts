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

/** A run of one agent that failed, with this transcript. */
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
  const said: string[] = [];
  const printLine = (line: string) => said.push(line);
  return {
    said,
    reports: combineReporters(
      reportersFor({ json: false, ...options }, env, { stdout, printLine }),
      printLine,
    ),
  };
}

async function tell(reports: Required<Reporter>, events: readonly RunEvent[]) {
  for (const event of events) reports.onEvent(event);
  await reports.onEnd(stateAfter(...events));
  await reports.close();
}

test('who asks for nothing gets no reporter', t => {
  t.deepEqual(reportersFor({ json: true }, {}, { stdout: nowhere(), printLine: () => {} }), []);
});

test('where a report cannot be written is said before anything starts', t => {
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

test('every event is a line that the schema accepts, there before the run ends', async t => {
  const file = join(folder(t), 'events.jsonl');
  writeFileSync(file, 'of an earlier run\n');
  const { reports, said } = open({ events: file });
  const events = failing('/t');
  reports.onEvent(events[0]!);
  while (!existsSync(file) || !readFileSync(file, 'utf8').endsWith('}\n')) await delay(10);
  await tell(reports, events.slice(1));
  const lines = readFileSync(file, 'utf8').split('\n');
  t.is(lines.pop(), '');
  t.deepEqual(
    lines.map(line => eventSchema.parse(JSON.parse(line))),
    [...events],
  );
  t.deepEqual(said, []);
});

test('events on stdout leave it open, and are all there when the reporter is closed', async t => {
  const slow: string[] = [];
  const stdout = new Writable({
    highWaterMark: 1,
    write: (chunk, _, done) => void setImmediate(() => done(void slow.push(String(chunk)) as never)),
  });
  const { reports } = open({ events: '-' }, {}, stdout);
  await tell(reports, failing('/t'));
  t.is(slow.join('').trimEnd().split('\n').length, 5);
  t.false(stdout.writableEnded);
  t.is(stdout.listenerCount('error'), 0);
});

test('no event on stdout is a command of the CI runner that reads it', async t => {
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

test('a reader of the events that goes away is one warning at the end', async t => {
  const stdout = new Writable({
    write: (_, __, done) => done(Object.assign(new Error('write EPIPE'), { errno: -32 })),
  });
  const { reports, said } = open({ events: '-' }, {}, stdout);
  reports.onEvent(failing('/t')[0]!);
  await tell(reports, failing('/t').slice(1));
  t.deepEqual(said, [
    "warning: --events - is incomplete: broken pipe. All events are in the run's journal.jsonl",
  ]);
});

test('a disk that is full is one warning at the end', async t => {
  const { reports, said } = open({ events: '/dev/full' });
  await tell(reports, failing('/t'));
  t.is(said.length, 1);
  t.regex(said[0]!, /^warning: --events \/dev\/full is incomplete: no space left on device/);
});

test('JUnit holds the end of what a failed agent printed', async t => {
  const place = folder(t);
  const transcript = join(place, 'transcript.log');
  const printed = Array.from({ length: 200 }, (_, index) => `line ${index}`);
  writeFileSync(transcript, `${printed.join('\r\n')}\r\n\r\n`);
  const file = join(place, 'junit.xml');
  const { reports, said } = open({ junit: file });
  t.false(existsSync(file));
  await tell(reports, failing(transcript));
  const { testsuite } = (await parse(readFileSync(file))) as TestSuites;
  const lines = testsuite![0]!.testcase![0]!['system-out']![0]!.split('\n');
  t.deepEqual(lines, [...printed.slice(-50), `[[ATTACHMENT|${transcript}]]`]);
  t.deepEqual(said, []);
});

test('JUnit that cannot be written after all is one warning', async t => {
  const place = folder(t);
  mkdirSync(join(place, 'gone'));
  const { reports, said } = open({ junit: join(place, 'gone', 'junit.xml') });
  rmSync(join(place, 'gone'), { recursive: true });
  await tell(reports, failing('/t'));
  t.is(said.length, 1);
  t.regex(said[0]!, /^warning: --junit .* was not written: no such file or directory$/);
});

test('a reporter that throws is told no more, harms no other, and is one warning', async t => {
  const heard: string[] = [];
  const said: string[] = [];
  const broken: Reporter = {
    onEvent() {
      heard.push('broken');
      throw new Error('no more');
    },
    onEnd: () => void heard.push('broken'),
    close: () => Promise.reject(new Error('not this one')),
  };
  const whole: Reporter = {
    onEvent: ({ type }) => void heard.push(type),
    onEnd: () => void heard.push('end'),
  };
  const reports = combineReporters([broken, whole], line => said.push(line));
  reports.onEvent(failing('/t')[0]!);
  reports.onEvent(failing('/t')[1]!);
  await reports.onEnd(stateAfter(...failing('/t')));
  await reports.close();
  await reports.close();
  t.deepEqual(heard, ['broken', 'run.started', 'agent.state', 'end']);
  t.deepEqual(said, ['warning: no more']);
});

test('on GitHub nothing printed while a run goes on is a command, and its end is told', async t => {
  const place = folder(t);
  const transcript = join(place, 'transcript.log');
  const summary = join(place, 'summary');
  const printed = Array.from({ length: 600 }, (_, index) => `::error::line ${index}`);
  writeFileSync(transcript, printed.join('\n'));
  writeFileSync(summary, 'of a step before\n');
  const { reports, said } = open({}, { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary });
  const events = failing(transcript);
  reports.onEvent(events[0]!);
  said.push('backing off: ##[add-mask]e', '::error::from docker');
  await tell(reports, events);
  t.deepEqual(
    executedCommands(said).map(({ name }) => name),
    ['error', 'group', 'endgroup'],
  );
  const lines = said.filter(line => line.startsWith('::error::line'));
  t.deepEqual(lines, printed.slice(-500));
  const tokens = said.flatMap(line => /^::stop-commands::(.*)$/.exec(line)?.[1] ?? []);
  t.is(new Set(tokens).size, 2);
  for (const token of tokens) t.regex(token, /^[0-9a-f]{32}$/);
  t.regex(readFileSync(summary, 'utf8'), /^of a step before\n### `fix`\n[\s\S]*\| `a` \| failed \| 7 \|/);
});

test('a run that breaks off gives the runner its commands back', async t => {
  const { reports, said } = open({}, { GITHUB_ACTIONS: 'true' });
  reports.onEvent(failing('/t')[0]!);
  await reports.close();
  t.deepEqual(executedCommands([...said, '::error::x']), [{ name: 'error', text: 'x' }]);
});

test('a summary that cannot be written is one warning, and the annotations are there', async t => {
  const { reports, said } = open({}, { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: folder(t) });
  await tell(reports, failing('/t'));
  t.deepEqual(
    executedCommands(said).map(({ name }) => name),
    ['error'],
  );
  t.regex(said.at(-1)!, /^warning: the step summary .* was not written: .*directory/);
  t.is(said.filter(line => line.startsWith('warning')).length, 1);
});

test('a summary never grows past what GitHub takes', async t => {
  const summary = join(folder(t), 'summary');
  appendFileSync(summary, 'x'.repeat((1 << 20) - 20));
  const { reports, said } = open({}, { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary });
  await tell(reports, failing('/t'));
  t.true(readFileSync(summary).length <= 1 << 20);
  t.false(said.some(line => line.startsWith('warning')));
});
