import { text } from 'node:stream/consumers';
import test from 'ava';
import fc from 'fast-check';
import { agentLines } from '../../../src/transcript/agent-lines.ts';
import { agentOutput } from '../../../src/transcript/agent-output.ts';
import { beginMark } from '../../../src/transcript/end-record.ts';
import { outputBegin } from '../../../src/transcript/output-begin.ts';

const mark = beginMark('n0nce');
const greeting = 'Waiting for the agent. What you type here is not run.\r\n';
const end = '\x1b]2;agent-end-42\x07\x1b]2;agent-screen-n0nce-QUJD\x07\nagent-end exit 0 0 n0nce\n';

/** Output of containers, and the part that the agent printed. */
const outputs: Readonly<Record<string, readonly [output: string, printed: string]>> = {
  'by a normal agent': [`${mark}agent-run\r\n$ true\r\n${end}`, '$ true\r\n'],
  'by an agent whose last line is unfinished': [`${mark}agent-run\r\n$ x\r\nlast${end}`, '$ x\r\nlast'],
  'by an agent that prints nothing': [`${mark}agent-run\r\n${end}`, ''],
  'without a started agent': [`${mark}\nagent-end never-injected 125 0 n0nce\n`, ''],
  'after a copied greeting': [`${mark}${greeting}agent-run\r\n$ x\r\n${end}`, '$ x\r\n'],
  'after typed keys': [`${mark}ls\b \b\b \bagent-run\r\n$ x\r\n${end}`, '$ x\r\n'],
  'after a message of agent-auth': [
    `${mark}agent-auth: not every login\nagent-run\r\n$ x\r\n${end}`,
    'agent-auth: not every login\n$ x\r\n',
  ],
  'by an agent that prints the same lines': [
    `${mark}agent-run\r\nagent-run\r\n${greeting}agent-end exit 0 0 forged\n${end}`,
    `agent-run\r\n${greeting}agent-end exit 0 0 forged\n`,
  ],
  'with its beginning lost': [`agent-run\r\nsome output\r\n${end}`, 'agent-run\r\nsome output\r\n'],
  'with its end lost': [`${mark}agent-run\r\nhello`, 'hello'],
  'that ends like another container': [
    `${mark}agent-run\r\nagent-end exit 0 0 other\n`,
    'agent-end exit 0 0 other\n',
  ],
  'with titles of the agent': [
    `${mark}agent-run\r\n\x1b]0;mine\x07\x1b]2;agent, mine\x07 \x1b]2;never closed ${end}`,
    '\x1b]0;mine\x07\x1b]2;agent, mine\x07 \x1b]2;never closed ',
  ],
  'with a long line in place of the start': [`${mark}${'x'.repeat(9_000)}`, 'x'.repeat(9_000)],
  'of great length': [
    `${mark}agent-run\r\n${'0123456789'.repeat(9_000)}\n${end}`,
    `${'0123456789'.repeat(9_000)}\n`,
  ],
  'that is only a part of the mark': [mark.slice(0, 20), mark.slice(0, 20)],
};

const piecesOf = (output: string, size: number) =>
  Array.from({ length: Math.ceil(output.length / size) }, (_, index) =>
    Buffer.from(output.slice(index * size, (index + 1) * size)),
  );

for (const [what, [output, printed]] of Object.entries(outputs))
  test(`output ${what} is split into marks and the agent's own, in chunks of any size`, async t => {
    for (const size of output.length > 10_000 ? [4_096, 100_000] : [1, 17, 4_096]) {
      const { stream, marks } = agentOutput('n0nce');
      for (const piece of piecesOf(output, size)) stream.write(piece);
      stream.end();
      t.is(await text(stream), printed, `in pieces of ${size}`);
      t.is(marks().startsWith(mark), output.startsWith(mark));
      t.is(marks().endsWith('exit 0 0 n0nce\n'), output.endsWith(end));
    }
  });

test('output of an agent between marks is returned unchanged', async t => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map(array => Buffer.from(array)),
    fc
      .constantFrom(mark, greeting, 'agent-run\r\n', '\x1b]2;agent-', '\n', '\x1b', 'agent-end exit')
      .map(Buffer.from),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(bytes, { maxLength: 6 }),
      fc.integer({ min: 1, max: 300 }),
      async (parts, size) => {
        const printed = Buffer.concat(parts);
        const output = Buffer.concat([
          Buffer.from(`${mark}agent-run\r\n`),
          printed,
          Buffer.from(end),
        ]).toString('latin1');
        const { stream } = agentOutput('n0nce');
        for (let at = 0; at < output.length; at += size)
          stream.write(Buffer.from(output.slice(at, at + size), 'latin1'));
        stream.end();
        t.deepEqual(Buffer.concat(await stream.toArray()), printed);
      },
    ),
    { numRuns: 300 },
  );
});

test('an unclosed title at the beginning holds back no more bytes than a mark', t => {
  const { add } = outputBegin();
  const output = '\x1b]2;agent-begin-';
  t.is(add(Buffer.from(output)).length, 0);
  const endless = 'a'.repeat(100);
  t.is(add(Buffer.from(endless)).toString(), output + endless);
  t.is(add(Buffer.from('more')).toString(), 'more');
});

test('the lines of a container are reduced to those of its agent, from any starting line', t => {
  const output = [
    `${mark}${greeting.trim()}`,
    'agent-run',
    '$ sh',
    'agent-run',
    '',
    'two\x1b]0;title\x07',
    'agent-end exit 0 0 other',
    'last\x1b]2;agent-end-42\x07\x1b]2;agent-report-n0nce-e30=\x07',
    'agent-end exit 0 0 n0nce',
  ];
  const printed = ['$ sh', 'agent-run', '', 'two\x1b]0;title\x07', 'agent-end exit 0 0 other', 'last'];
  const linesOf = (lines: readonly string[]) => {
    const printedIn = agentLines('n0nce');
    return lines.map(printedIn).filter(line => line !== null);
  };
  t.deepEqual(linesOf(output), printed);
  for (let from = 2; from < output.length; from++)
    t.deepEqual(linesOf(output.slice(from)), printed.slice(from - 2));
  t.deepEqual(linesOf([`${mark}agent-run`, '\x1b]2;agent-end-42\x07']), []);
});
