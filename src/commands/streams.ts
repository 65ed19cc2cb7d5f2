/**
 * What becomes of a command whose words nobody takes. Who reads no further, such as `head`, has what they wanted; a disk
 * that is full is an error. A run goes on with its agents, whoever hears of it.
 */
let drivesRun = false;
let isLost = false;

/** From here on this process has agents to see to. */
export const ignoreBrokenPipe = () => {
  drivesRun = true;
};

export function watchStreams(): void {
  process.stderr.on('error', error => {
    if (!drivesRun && isGone(error)) process.exit(0);
  });
  process.stdout.on('error', error => {
    if (isGone(error)) {
      if (!drivesRun) process.exit(0);
      return;
    }
    if (!isLost) process.stderr.write(`agent-flow: cannot write to stdout: ${error.message}\n`);
    isLost = true;
    if (!drivesRun) process.exit(1);
  });
  process.on('exit', () => {
    if (isLost && !process.exitCode) process.exitCode = 1;
  });
}

const isGone = (error: NodeJS.ErrnoException) => error.code === 'EPIPE';
