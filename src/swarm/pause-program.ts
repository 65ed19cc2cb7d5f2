/** Machine code that waits for signals for ever, by architecture of the image. */
const programs: Readonly<Record<string, { readonly machine: number; readonly code: readonly number[] }>> = {
  amd64: {
    machine: 62,
    code: [
      ...[0xb8, 0x22, 0x00, 0x00, 0x00], // mov eax, 34 (pause)
      ...[0x0f, 0x05], // syscall
      ...[0xeb, 0xf7], // jmp to the begin
    ],
  },
  arm64: {
    machine: 183,
    code: [
      ...[0x00, 0x00, 0x80, 0xd2], // mov x0, 0
      ...[0x01, 0x00, 0x80, 0xd2], // mov x1, 0
      ...[0x02, 0x00, 0x80, 0xd2], // mov x2, 0
      ...[0x03, 0x00, 0x80, 0xd2], // mov x3, 0
      ...[0x28, 0x09, 0x80, 0xd2], // mov x8, 73 (ppoll)
      ...[0x01, 0x00, 0x00, 0xd4], // svc 0
      ...[0xfa, 0xff, 0xff, 0x17], // b to the begin
    ],
  },
};

const fileHeaderSize = 64;
const programHeaderSize = 56;
/** The address at which Linux places a small static program by custom. */
const base = 0x400000n;

/**
 * Return a static ELF program that does nothing, at no cost, until it is killed; null for an architecture that it does not
 * exist for. It is written out here, since a node may have no compiler, no registry, and no other image.
 */
export function pauseProgram(architecture: string): Buffer | null {
  const program = Object.hasOwn(programs, architecture) ? programs[architecture]! : null;
  if (program === null) return null;
  const code = Buffer.from(program.code);
  const start = fileHeaderSize + programHeaderSize;
  const size = BigInt(start + code.length);

  const file = Buffer.alloc(fileHeaderSize);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // ELF, 64 bits, little-endian, version 1
  file.writeUInt16LE(2, 16); // executable
  file.writeUInt16LE(program.machine, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(base + BigInt(start), 24); // entry
  file.writeBigUInt64LE(BigInt(fileHeaderSize), 32); // offset of the program header
  file.writeUInt16LE(fileHeaderSize, 52);
  file.writeUInt16LE(programHeaderSize, 54);
  file.writeUInt16LE(1, 56); // number of program headers

  const header = Buffer.alloc(programHeaderSize);
  header.writeUInt32LE(1, 0); // load this segment
  header.writeUInt32LE(5, 4); // read and execute
  header.writeBigUInt64LE(base, 16);
  header.writeBigUInt64LE(base, 24);
  header.writeBigUInt64LE(size, 32);
  header.writeBigUInt64LE(size, 40);
  header.writeBigUInt64LE(0x10000n, 48); // alignment, a page of every kernel

  return Buffer.concat([file, header, code]);
}
