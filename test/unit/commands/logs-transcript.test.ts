import { once } from 'node:events';
import {
  createWriteStream,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { RunEventBody } from '../../../src/events.ts';

const bin = process.env.AGENT_FLOW_BIN || join(import.meta.dirname, '..', '..', '..', 'src', 'bin.ts');
const runId = 'r0000001';

type Content = string | Iterable<string>;

/** Create a state directory with an ended run, whose agent `worker` has these transcripts, one per attempt. */
async function endedRun(t: ExecutionContext, ...transcripts: readonly (Content | null)[]) {
  const stateDir = mkdtempSync(join(tmpdir(), 'agent-flow-test-'));
  t.teardown(() => rmSync(stateDir, { recursive: true, force: true }));
  const run = join(stateDir, 'runs', runId);
  mkdirSync(run, { recursive: true });
  const result = { exitCode: 0, error: null, containerId: null, image: null };
  const events: RunEventBody[] = [
    {
      type: 'run.started',
      runId,
      name: 'flow',
      version: '0',
      pid: 1,
      host: 'here',
      concurrency: 1,
      agents: [
        { name: 'worker', dependsOn: [], retries: 1 },
        { name: 'idler', dependsOn: [], retries: 0 },
      ],
    },
  ];
  for (const [index, content] of transcripts.entries()) {
    const attempt = index + 1;
    const status = attempt === transcripts.length ? 'succeeded' : 'failed';
    events.push({ type: 'attempt.ended', agent: 'worker', attempt, status, ...result, transcript: null });
    events.push({
      type: 'agent.state',
      agent: 'worker',
      attempt,
      state: 'done',
      event: 'x',
      containerId: null,
      injectedAt: null,
      cause: null,
      until: null,
    });
    if (content === null) continue;
    const folder = join(run, 'agents', 'worker', String(attempt));
    mkdirSync(folder, { recursive: true });
    const file = createWriteStream(join(folder, 'transcript.log'));
    for (const part of typeof content === 'string' ? [content] : content)
      if (!file.write(part)) await once(file, 'drain');
    await finished(file.end());
  }
  events.push({ type: 'agent.ended', agent: 'worker', status: 'succeeded', ...result });
  events.push({ type: 'run.ended', status: 'succeeded', exitCode: 0 });
  const lines = events.map((event, index) =>
    JSON.stringify({ v: 1, seq: index + 1, at: 1000 + index, ...event }),
  );
  writeFileSync(join(run, 'journal.jsonl'), `${lines.join('\n')}\n`);
  const logs = async (args: readonly string[], options: readonly string[] = [], env = {}) => {
    const result = await execa(process.execPath, [...options, bin, 'logs', ...args], {
      env: { AGENT_FLOW_STATE_DIR: stateDir, GITHUB_ACTIONS: '', ...env },
      reject: false,
      stripFinalNewline: false,
    });
    return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr };
  };
  const transcript = (attempt: number) => join(run, 'agents', 'worker', String(attempt), 'transcript.log');
  return Object.assign(logs, { transcript });
}

test('a transcript is printed as plain lines, as raw bytes, or as JSON', async t => {
  const printed = 'one\r\n\x1b[31mtwo\x1b[0m\r\n10%\r100%\r\nlast, ünended';
  const logs = await endedRun(t, `${printed}`);
  t.is((await logs(['worker'])).stdout, 'one\ntwo\n100%\nlast, ünended\n');
  t.is((await logs(['worker', '--raw'])).stdout, printed);
  const json = await logs(['worker', '--json']);
  t.deepEqual(JSON.parse(json.stdout), {
    agent: 'worker',
    runId,
    attempt: 1,
    lines: ['one', 'two', '100%', 'last, ünended'],
  });
  t.regex(json.stdout, /^[^\n]+\n$/);
  t.deepEqual(JSON.parse((await logs(['worker', '--json', '--raw', '--tail', '2'])).stdout).lines, [
    '10%\r100%\r',
    'last, ünended',
  ]);
  t.is((await logs(['worker', '-f'])).stdout, 'one\ntwo\n100%\nlast, ünended\n');
});

test('no line of an agent is a command for the CI runner', async t => {
  // The limit per line cuts the second mark in two.
  const far = `${'x'.repeat(2 ** 18 - 1)}##vso[task.complete]`;
  const printed = `##vso[task.prependpath]/w\n::error::a\n  ::add-mask::b\na::b\n${far}\n`;
  const logs = await endedRun(t, `${printed}`);
  const ci = { GITHUB_ACTIONS: 'true' };
  const plain = (await logs(['worker'], [], ci)).stdout;
  t.notRegex(plain, /##vso\[|^\s*::/m);
  t.regex(plain, /^a::b$/m);
  const json = (await logs(['worker', '--json'], [], ci)).stdout;
  t.notRegex(json, /##vso\[/);
  t.is(`${JSON.parse(json).lines.join('\n')}\n`, printed);
  // Elsewhere, a line that begins with colons is printed unchanged.
  t.regex((await logs(['worker'])).stdout, /^::error::a$/m);
  // A positive control: the raw output has them.
  t.is((await logs(['worker', '--raw'], [], ci)).stdout, printed);
});

test('a link in place of a transcript is not followed', async t => {
  const logs = await endedRun(t, `mine\n`);
  const { stdout } = await logs(['worker']);
  t.is(stdout, 'mine\n');
  const file = logs.transcript(1);
  renameSync(file, `${file}.was`);
  symlinkSync(`${file}.was`, file);
  const result = await logs(['worker']);
  t.regex(result.stderr, /is a symbolic link, which is never followed/);
  t.is(result.stdout, '');
});

test('--raw neither adds nor loses a newline', async t => {
  for (const printed of ['', '\n', 'one', 'one\n', 'one\n\n', '\xff\x00'])
    t.is((await (await endedRun(t, `${printed}`))(['worker', '--raw'])).stdout, printed);
});

test('--tail counts the lines that the agent has printed', async t => {
  const logs = await endedRun(t, `1\n2\n3\n`);
  const tail = async (count: string) => (await logs(['worker', '--tail', count])).stdout;
  t.is(await tail('0'), '');
  t.is(await tail('1'), '3\n');
  t.is(await tail('2'), '2\n3\n');
  t.is(await tail('3'), '1\n2\n3\n');
  t.is(await tail('100'), '1\n2\n3\n');
  t.is(await tail('all'), '1\n2\n3\n');
});

test('a line that looks like an end record is printed', async t => {
  const forged = 'agent-end exit 0 0 forged\n';
  const logs = await endedRun(t, `${forged}one\n${forged}`);
  t.is((await logs(['worker'])).stdout, `${forged}one\n${forged}`);
});

test('--attempt prints an earlier attempt, and an unknown one is refused with the existing ones', async t => {
  const logs = await endedRun(t, `first\n`, `second\n`);
  t.is((await logs(['worker'])).stdout, 'second\n');
  t.is((await logs(['worker', '--attempt', '1'])).stdout, 'first\n');
  t.is((await logs(['worker', '--attempt', '1', '-f'])).stdout, 'first\n');
  for (const attempt of ['3', '0', 'one', '1.0']) {
    const { exitCode, stderr } = await logs(['worker', '--attempt', attempt]);
    t.is(exitCode, 2);
    t.true(stderr.includes(`attempt ${attempt} of worker does not exist. Found: 1, 2`), stderr);
  }
});

test('invalid requests are refused in one line', async t => {
  const logs = await endedRun(t, `one\n`);
  for (const [args, message] of [
    [
      ['worker', '--since', '10m'],
      /--since requires the container of attempt 1, which is gone: .*Use --tail/,
    ],
    [['worker', '--since', 'monday'], /--since monday is not a valid time\. Examples: --since 10m/],
    [['worker', '--tail', '-1'], /--tail/],
    [['worker', '--tail', 'few'], /--tail few is not a valid number of lines/],
    [['worker', '-f', '--json'], /--follow and --json cannot be combined/],
    [['idler'], /idler has no output: it is waiting/],
    [['idler', '--json'], /idler has no output: it is waiting/],
    [['idler', '--attempt', '1'], /attempt 1 of idler does not exist\. No attempt has started/],
    [
      ['constructor'],
      /agent constructor does not exist in run r0000001\. Found: r0000001\/worker, r0000001\/idler/,
    ],
    [['\x1b[31mred'], /agent red does not exist/],
  ] as const) {
    const { exitCode, stdout, stderr } = await logs(args);
    t.is(exitCode, 2, stderr);
    t.is(stdout, '');
    t.regex(stderr, message);
    t.is(stderr.trimEnd().split('\n').length, 1, stderr);
  }
});

test('an agent without output is reported as such', async t => {
  const logs = await endedRun(t, '');
  const { exitCode, stdout, stderr } = await logs(['worker']);
  t.is(exitCode, 0);
  t.is(stdout, '');
  t.regex(stderr, /worker has no output: it is succeeded/);
  t.deepEqual(JSON.parse((await logs(['worker', '--json'])).stdout).lines, []);
});

function* repeated(text: string, times: number) {
  for (let time = 0; time < times; time++) yield text;
}

test('a transcript that is larger than the memory is printed, even if it is one line', async t => {
  const small = ['--max-old-space-size=48'];
  const block = '\x1b[1mx\x1b[0m'.repeat(2 ** 17);
  const times = Math.ceil((64 * 2 ** 20) / block.length);
  const oneLine = await endedRun(t, [...repeated('early\n', 3), ...repeated(block, times), `\nlate\n`]);
  t.is((await oneLine(['worker', '--tail', '1'], small)).stdout, 'late\n');
  const whole = await oneLine(['worker', '--tail', '2'], small);
  t.is(whole.exitCode, 0, whole.stderr);
  t.is(whole.stdout.length, times * 2 ** 17 + '\nlate\n'.length);
  t.regex(whole.stdout.slice(0, 1000), /^x+$/);

  const many = await endedRun(t, [...repeated(`${'line\n'.repeat(1000)}`, 200)]);
  t.is((await many(['worker', '--tail', '10'], small)).stdout, 'line\n'.repeat(10));
  t.is((await many(['worker'], small)).stdout, 'line\n'.repeat(200_000));
});
