import assert from 'node:assert';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import fc from 'fast-check';
import { unpacker } from '../../../src/workspace/unpack.ts';
import { isExhaustive, seed } from '../../samples.ts';
import { describeTree, readTree, tarOf, tree, writeTree } from '../_helpers/random-trees.ts';
import { folder } from '../_helpers/repositories.ts';

const numRuns = isExhaustive ? 3000 : 150;

const chunked = (bytes: Buffer, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );

test(`unpacking a tar stream of any tree restores it (SAMPLES_SEED=${seed})`, async t => {
  const root = folder(t);
  let count = 0;
  await fc.assert(
    fc.asyncProperty(
      tree,
      fc.constantFrom('pax' as const, 'gnu' as const),
      fc.integer({ min: 100, max: 70_000 }),
      async (nodes, format, size) => {
        const to = join(root, String(count++));
        const { sink, done } = unpacker({ folder: to, maxBytes: 2 ** 20, keepsLinks: true });
        await pipeline(Readable.from(chunked(tarOf(nodes, format), size)), sink);
        const { warnings } = await done();
        assert.deepStrictEqual(readTree(to), describeTree(nodes));
        assert.deepStrictEqual(warnings, []);
      },
    ),
    { seed, numRuns },
  );
  t.true(count >= numRuns);
});

test('readTree describes a written tree', t => {
  const root = folder(t);
  for (const [index, nodes] of fc.sample(tree, { seed, numRuns: 30 }).entries()) {
    const to = join(root, String(index));
    mkdirSync(to);
    writeTree(to, nodes);
    t.deepEqual(readTree(to), describeTree(nodes));
  }
});
