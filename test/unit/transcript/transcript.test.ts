import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { marksFile } from '../../../src/transcript/agent-output.ts';
import { beginMark } from '../../../src/transcript/end-record.ts';
import { transcriptIn } from '../../../src/transcript/transcript.ts';
import { folder } from '../_helpers/repositories.ts';

const mark = beginMark('n0nce');
const end = 'agent-end exit 0 0 n0nce\n';
const large = 'x'.repeat(2 ** 20);

for (const [what, text, marks, truncated] of [
  ['begins with its mark', 'hello\n', `${mark}${end}`, false],
  ['is large and begins with its mark', large, `${mark}${end}`, false],
  ['is large and has no mark', large, '', true],
  ['is small, has no mark and has an end record', 'hello\n', end, true],
  ['is small, has no mark and no end record', 'hello\n', '', false],
  ['ends with the record of another container', 'hello\n', 'agent-end exit 0 0 other\n', false],
  ['is small, and was cut off before its marks were written', 'hello\n', null, false],
  ['is empty', '', '', false],
] as const)
  test(`a transcript that ${what} ${truncated ? 'lacks' : 'does not lack'} its beginning`, t => {
    const path = join(folder(t), 'transcript.log');
    writeFileSync(path, text, { mode: 0o600 });
    if (marks !== null) writeFileSync(marksFile(path), marks, { mode: 0o600 });
    t.is(transcriptIn(path, 'n0nce')?.truncated, truncated);
  });

test('a missing transcript is null', t => {
  t.is(transcriptIn(join(folder(t), 'transcript.log'), 'n0nce'), null);
});
