import test from 'ava';
import fc from 'fast-check';
import { lineReader } from '../../../src/docker/line-reader.ts';

function read(chunks: readonly Buffer[], most?: number) {
  const emitted: (readonly [string, number])[] = [];
  const { add, end } = lineReader((line, dropped) => emitted.push([line, dropped]), most);
  for (const chunk of chunks) add(chunk);
  end();
  return emitted;
}

test('lines do not depend on the chunks of bytes, with any line end', t => {
  const piece = fc.constantFrom('a', 'é', '\u2028', '\x1b[31m', '\n', '\r', '\r\n', '');
  fc.assert(
    fc.property(fc.array(piece), fc.array(fc.nat({ max: 20 })), (pieces, cuts) => {
      const bytes = Buffer.from(pieces.join(''));
      const chunks: Buffer[] = [];
      let at = 0;
      for (const length of cuts) {
        chunks.push(bytes.subarray(at, at + length));
        at += length;
      }
      const lines = bytes.toString().split(/\r\n|\n|\r/);
      if (lines.at(-1) === '') lines.pop();
      t.deepEqual(
        read([...chunks, bytes.subarray(at)]).map(([line]) => line),
        lines,
      );
    }),
  );
});

test('the first bytes of a long line are emitted, with the number of dropped ones', t => {
  const long = [
    Buffer.alloc(70, 'x'),
    Buffer.alloc(50, 'y'),
    Buffer.from('z\nshort\n'),
    Buffer.alloc(101, 'w'),
  ];
  t.deepEqual(read(long, 100), [
    [`${'x'.repeat(70)}${'y'.repeat(30)}`, 21],
    ['short', 0],
    ['w'.repeat(100), 1],
  ]);
});
