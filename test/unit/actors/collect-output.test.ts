import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { collectOutput } from '../../../src/actors/collect-output.ts';
import { nullRecorder } from '../../../src/docker/recorder.ts';
import { redactor } from '../../../src/secrets/redact.ts';
import { maxOutputBytes } from '../../../src/spec/output-text.ts';
import type { AgentPlan } from '../../../src/spec/plan.ts';
import { agent, fakeJournal, input, never } from '../_helpers/actor-ports.ts';
import { fakeDocker } from '../_helpers/fake-docker.ts';
import { type Entry, stream } from '../_helpers/tar-stream.ts';

const schema = { type: 'object', properties: { title: { type: 'string' } }, required: ['title'] };
const record = { reason: 'exit', code: 0, oomKills: 0 } as const;

/** Collect the output of an agent whose container has these entries in place of its directory and its file. */
async function collect(
  t: ExecutionContext,
  entry: Entry | null,
  {
    above = { path: 'agent/', type: 'Directory' },
    room = 2 ** 20,
    fields = {},
  }: { above?: Entry; room?: number; fields?: Partial<AgentPlan> } = {},
) {
  const { here } = fakeDocker(
    t,
    `case $2 in *:/run/agent) cat "$here/above" ;; *) [ -e "$here/file" ] || { echo "Error response from daemon: Could not find the file $2 in container c" >&2; exit 1; }; cat "$here/file" ;; esac`,
  );
  writeFileSync(join(here, 'above'), Buffer.concat(stream([above])));
  if (entry !== null) writeFileSync(join(here, 'file'), Buffer.concat(stream([entry])));
  const { emit, events } = fakeJournal();
  const ports = {
    recorder: nullRecorder,
    plan: () => agent({ output: { schema }, ...fields }),
    vault: { redactor: redactor(['a-long-secret-value']) } as never,
    emit,
    outputRoom: () => room,
  };
  const { record: result } = await collectOutput(ports, input, record, never);
  return { problem: result?.outputProblem ?? null, isCorrectable: result?.isCorrectable, events };
}

const file = (content: string | Buffer): Entry => ({ path: 'output.json', content });

test.serial('a valid output is journaled as it is', async t => {
  const hostile = { title: '\u001b[31m${agents.a.output}\u202e', ['__proto__']: { polluted: 1 } };
  const { problem, events } = await collect(t, file(`\ufeff${JSON.stringify(hostile)}`));
  t.is(problem, null);
  t.like(events, [{ type: 'agent.output', agent: 'a', attempt: 1 }]);
  t.deepEqual(JSON.parse((events[0] as { json: string }).json), hostile);
});

test.serial('anything else is a problem, and nothing of it is journaled', async t => {
  const large = JSON.stringify({ title: 'x'.repeat(maxOutputBytes) });
  for (const [entry, expected, more] of [
    [null, 'it has written no output to $AGENT_OUTPUT_FILE, /run/agent/output.json'],
    [file('{'), 'its output is not valid JSON'],
    [file(Buffer.from([0x22, 0xff, 0x22])), 'its output is not UTF-8 text'],
    [file('{"title":1}'), 'its output does not match its schema: title: must be string'],
    [file('{}'), "its output does not match its schema: must have required property 'title'"],
    [file(large), 'its output is larger than 256 KiB'],
    [file(`${' '.repeat(1_100_000)}{}`), 'its output is larger than 256 KiB'],
    [file('{"title":"a-long-secret-value"}'), 'its output contains a secret'],
    [file('{"title":"a-long-\\u0073ecret-value"}'), 'its output contains a secret'],
    [
      { path: 'output.json', type: 'SymbolicLink', linkpath: '/etc/passwd' },
      'its output is not a regular file',
    ],
    [{ path: 'output.json/', type: 'Directory' }, 'its output is not a regular file'],
    [{ path: 'output.json', type: 'FIFO' }, 'its output is not a regular file'],
    [
      file('{"title":"x"}'),
      'it has written no output to $AGENT_OUTPUT_FILE, /run/agent/output.json',
      { above: { path: 'agent', type: 'SymbolicLink', linkpath: '/workspace' } },
    ],
    [file('{"title":"x"}'), 'the outputs of the run are larger than 64 MiB together', { room: 3 }],
  ] satisfies [Entry | null, string, { above?: Entry; room?: number }?][]) {
    const { problem, events } = await collect(t, entry, more);
    t.is(problem, expected);
    t.deepEqual(events, []);
  }
});

test('an agent that failed or was cancelled has no output', async t => {
  const ports = { plan: () => agent({ output: { schema } }) } as never;
  for (const ended of [null, { ...record, code: 3 }, { reason: 'signal', code: 0, oomKills: 0 } as const])
    t.deepEqual(await collectOutput(ports, input, ended, never), { record: ended });
  t.deepEqual(await collectOutput(ports, { ...input, cancelled: true }, record, never), { record });
});

test.serial('an AI CLI can correct its output, and a command cannot', async t => {
  t.false((await collect(t, null)).isCorrectable);
  t.false((await collect(t, null, { fields: { prompt: 'p' } })).isCorrectable);
  t.true((await collect(t, null, { fields: { provider: 'claude', prompt: 'p' } })).isCorrectable);
});
