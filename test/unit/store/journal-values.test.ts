import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import type { RunEvent } from '../../../src/events.ts';
import { applyEvent, emptyRecord } from '../../../src/recovery/record.ts';
import { redactor } from '../../../src/secrets/redact.ts';
import { fillInputs, readInputs } from '../../../src/spec/fill-inputs.ts';
import { asciiJson, insertedText } from '../../../src/spec/output-text.ts';
import { openJournal } from '../../../src/store/journal.ts';
import { readJournal } from '../../../src/store/read-journal.ts';

const hostile = [
  '\u001b]0;title\u0007\u001b[31m\u009b2J\u202e\ud800\r\nback\b',
  '$${agents.a.output} ${agents.a.output.x} ${agents.} $& ${HOME}',
  JSON.parse('{"__proto__":{"polluted":true},"constructor":null,"status":"failed"}'),
  'x'.repeat(100_000),
];
const plan = { prompt: '<${agents.a.output}>', command: ['x'], env: {}, inputs: ['agents.a.output'] };

test('a value that goes through the journal, twice, and a template arrives unchanged', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-values-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const { deep } = redactor(['a-long-secret-value']);
  const path = join(folder, 'journal.jsonl');
  const values = [...hostile, ...fc.sample(fc.jsonValue({ stringUnit: 'binary' }), 300)].filter(
    value => value !== null && !insertedText(value).includes('\0'),
  );
  const journal = openJournal(path, () => 42, 1, deep);
  for (const value of values) {
    void journal.append({ type: 'agent.output', agent: 'a', attempt: 1, json: asciiJson(value) });
    const sources = new Map([
      ['a', { status: 'succeeded', exitCode: 0, branch: null, output: asciiJson(value) }],
    ]);
    const read = readInputs(plan, sources);
    if ('problem' in read) throw new Error(read.problem);
    void journal.append({ type: 'agent.inputs', agent: 'b', values: read.values });
  }
  await journal.append({ type: 'run.cancel', reason: 'end' });
  journal[Symbol.dispose]();

  const { events, damage } = readJournal(path);
  t.deepEqual(damage, []);
  const ofType = (type: RunEvent['type']) => events.filter(event => event.type === type);
  const outputs = ofType('agent.output').map(event => JSON.parse((event as { json: string }).json));
  t.is(outputs.length, values.length);
  for (const [index, event] of ofType('agent.inputs').entries()) {
    t.is(JSON.stringify(outputs[index]), JSON.stringify(values[index]));
    const { inputs } = applyEvent(emptyRecord, 'b', event);
    t.is(fillInputs(plan, inputs!).prompt, `<${insertedText(values[index])}>`);
  }
  t.is(({} as Record<string, unknown>).polluted, undefined);
});
