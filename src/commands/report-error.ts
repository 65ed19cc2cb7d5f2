import { FlowError } from '../errors.ts';
import { SpecError } from '../spec/errors.ts';
import { errorForLog } from '../text/log-text.ts';
import { oneLine } from '../text/text.ts';

/** Print the error of a command, or of one run of several, with the prefix `about`. Return its exit code. */
export function reportError(error: unknown, about = ''): number {
  const print = (text: string) => process.stderr.write(`agent-flow: ${about}${text}\n`);
  if (error instanceof SpecError) {
    print(error.message);
    return 2;
  }
  if (error instanceof FlowError) {
    print(errorForLog(error.message));
    return error.exitCode;
  }
  // A failed file operation needs no stack.
  if (error instanceof Error && 'syscall' in error) {
    print(oneLine(error.message));
    return 3;
  }
  print(errorForLog(error instanceof Error ? (error.stack ?? error.message) : String(error)));
  return 1;
}
