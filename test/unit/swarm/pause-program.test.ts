import test from 'ava';
import { pauseProgram } from '../../../src/swarm/pause-program.ts';

/** Fields of a 64-bit ELF file: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html */
const headerOf = (program: Buffer) => ({
  magic: program.toString('latin1', 0, 4),
  class: program[4],
  order: program[5],
  type: program.readUInt16LE(16),
  machine: program.readUInt16LE(18),
  entry: program.readBigUInt64LE(24),
  programHeaders: { at: program.readBigUInt64LE(32), size: program.readUInt16LE(54), count: program[56] },
  headerSize: program.readUInt16LE(52),
});

const segmentOf = (program: Buffer) => ({
  type: program.readUInt32LE(64),
  flags: program.readUInt32LE(68),
  offset: program.readBigUInt64LE(72),
  address: program.readBigUInt64LE(80),
  fileSize: program.readBigUInt64LE(96),
  memorySize: program.readBigUInt64LE(104),
  alignment: program.readBigUInt64LE(112),
});

for (const [architecture, machine] of [
  ['amd64', 62],
  ['arm64', 183],
] as const)
  test(`the program for ${architecture} is one segment that begins to run after its headers`, t => {
    const program = pauseProgram(architecture)!;
    t.deepEqual(headerOf(program), {
      ...{ magic: '\x7fELF', class: 2, order: 1, type: 2, machine, entry: 0x400000n + 120n },
      ...{ programHeaders: { at: 64n, size: 56, count: 1 }, headerSize: 64 },
    });
    const size = BigInt(program.length);
    t.deepEqual(segmentOf(program), {
      ...{ type: 1, flags: 5, offset: 0n, address: 0x400000n },
      ...{ fileSize: size, memorySize: size, alignment: 0x10000n },
    });
  });

test('a program waits in the kernel, and begins again after a signal', t => {
  const codeOf = (architecture: string) => pauseProgram(architecture)!.subarray(120);
  // pause (34), then a jump back by all that was executed.
  const amd64 = codeOf('amd64');
  t.is(amd64.readUInt32LE(1), 34);
  t.deepEqual([amd64[0], amd64.readUInt16BE(5), amd64[7]], [0xb8, 0x0f05, 0xeb]);
  t.is(amd64.readInt8(8), -amd64.length);
  // ppoll (73), then a branch back to the first instruction, in instructions of four bytes.
  const arm64 = codeOf('arm64');
  t.is((arm64.readUInt32LE(16) >> 5) & 0xffff, 73);
  t.is(arm64.readUInt32LE(20), 0xd4000001);
  const branch = arm64.readUInt32LE(24);
  t.is(branch >>> 26, 0b000101);
  t.is((branch << 6) >> 6, -6);
});

test('there is no program for other architectures', t => {
  for (const architecture of ['arm', '386', 's390x', '', 'constructor', 'toString'])
    t.is(pauseProgram(architecture), null, architecture);
});
