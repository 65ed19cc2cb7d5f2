/**
 * Handle errors of stdout and stderr. A closed pipe, such as by `head`, ends a command quietly; a full disk is an error. A
 * command that drives a run never exits because of either.
 */
let drivesRun = false;
let isLost = false;

/** Call before driving a run: from then on a closed pipe no longer ends the process. */
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
