import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** An ELF file of one segment whose program waits for ever. */
const programs: Readonly<Record<string, string>> = {
  // push 34 (pause); pop rax; syscall; again
  x64: elf(62, 0x1000, '6a22580f05ebf9'),
  // mov x0 … x4, 0; mov w8, 73 (ppoll); svc 0; again
  arm64: elf(183, 0x10000, '000080d2010080d2020080d2030080d2040080d228098052010000d4f9ffff17'),
};

/** Give an engine the image `pause`, whose container runs until it is killed. */
export async function importPause(env: NodeJS.ProcessEnv): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-pause-'));
  try {
    writeFileSync(join(folder, 'pause'), Buffer.from(programs[process.arch]!, 'hex'), { mode: 0o755 });
    const { stdout: tar } = await execa('tar', ['--create', `--directory=${folder}`, 'pause'], {
      encoding: 'buffer',
    });
    await execa('docker', ['import', '--change=ENTRYPOINT ["/pause"]', '-', 'pause'], {
      ...{ env, input: tar, timeout: 60_000 },
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function elf(machine: number, align: number, code: string): string {
  const address = 0x400000;
  const size = 120 + code.length / 2;
  const numbers = (width: number, ...values: number[]) =>
    values
      .map(value =>
        value
          .toString(16)
          .padStart(width * 2, '0')
          .match(/../g)!
          .reverse()
          .join(''),
      )
      .join('');
  const file =
    `7f454c46020101${'00'.repeat(9)}` +
    numbers(2, 2, machine) +
    numbers(4, 1) +
    numbers(8, address + 120, 64, 0) +
    numbers(4, 0) +
    numbers(2, 64, 56, 1, 0, 0, 0);
  const segment = numbers(4, 1, 5) + numbers(8, 0, address, address, size, size, align);
  return file + segment + code;
}
