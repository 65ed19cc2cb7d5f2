import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { printedEnd, readOutput } from '../../../src/commands/logs/output-file.ts';
import { unprinted } from '../../../src/transcript/output-end.ts';

const record = '\nagent-end exit 0 0 abc123\n';

async function withFile<T>(content: string, use: (file: FileHandle, path: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-test-'));
  const path = join(folder, 'output');
  writeFileSync(path, content);
  const file = await open(path);
  try {
    return await use(file, path);
  } finally {
    await file.close();
    rmSync(folder, { recursive: true });
  }
}

test('a complete output is read up to its end record', async t => {
  const printed = 'x'.repeat(200_000);
  await withFile(`${printed}${record}`, async file => {
    let written = '';
    const count = await readOutput(file, { start: 0, end: await printedEnd(file) }, async bytes => {
      written += bytes;
    });
    t.is(written, printed);
    t.is(count, printed.length);
  });
});

test('an end record in the last line is never printed, nor what may become one while the output grows', async t => {
  for (const [content, growing, atRest] of [
    ['', '', ''],
    ['one', 'one', 'one'],
    ['one\n', 'one', 'one\n'],
    ['one\n\nagent', 'one\n', 'one\n\nagent'],
    ['one\nagents', 'one\nagents', 'one\nagents'],
    [`one\n\nagent-end exit 0`, 'one\n', 'one\n\nagent-end exit 0'],
    [`one\n${record}`, 'one\n', 'one\n'],
    [`one${record}`, 'one', 'one'],
    [`one\n\x1b]2;agent-end-42\x07${record}`, 'one\n', 'one\n'],
    ['one\n\x1b]2;agent-end-42\x07', 'one\n', 'one\n'],
    [
      `one\x1bP open\x1b]2;agent-end-42\x07\x1b\\\x1b]2;agent-end-42\x07${record}`,
      'one\x1bP open',
      'one\x1bP open',
    ],
    [
      'one\x1bP open\x1b]2;agent-end-42\x07\x1b\\\x1b]2;ag',
      'one\x1bP open',
      'one\x1bP open\x1b]2;agent-end-42\x07\x1b\\\x1b]2;ag',
    ],
    ['one\x1b\\', 'one\x1b\\', 'one\x1b\\'],
    [
      `one\n\x1b]2;agent-end-42\x07\x1b]2;agent-report-n0nce-${'eyJ9'.repeat(900)}\x07${record}`,
      'one\n',
      'one\n',
    ],
    [`one\n\x1b]2;agent-screen-n0nce-QUJD\x07\x1b]2;agent-report-n0nce-e30=\x07${record}`, 'one\n', 'one\n'],
    ['one\n\x1b]2;agent-report-n0nce-eyJ9', 'one\n', 'one\n\x1b]2;agent-report-n0nce-eyJ9'],
    ['one\x1b]2;ag', 'one', 'one\x1b]2;ag'],
    ['one\x1b]2;agent, my title', 'one\x1b]2;agent, my title', 'one\x1b]2;agent, my title'],
    ['\x1b]2;agent-end-42\x07one', '\x1b]2;agent-end-42\x07one', '\x1b]2;agent-end-42\x07one'],
    [record, '', ''],
    [record.slice(1), '', ''],
    [`${record}two`, `${record}two`, `${record}two`],
  ] as const)
    await withFile(content, async file => {
      const bytes = Buffer.from(content);
      t.is(content.slice(0, content.length - unprinted(bytes, false)), growing, JSON.stringify(content));
      t.is(content.slice(0, content.length - unprinted(bytes, true)), atRest, JSON.stringify(content));
      t.is(content.slice(0, await printedEnd(file)), atRest, JSON.stringify(content));
    });
});
