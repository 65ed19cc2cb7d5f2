import { FlowError } from '../errors.ts';
import { SpecError } from '../spec/errors.ts';
import { errorForLog } from '../text/log-text.ts';
import { oneLine } from '../text/text.ts';

/** Print why a command, or one run of several, has failed; `about` names it. Return the exit code that goes with it. */
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
  // A file that cannot be read or written is not ours to explain by a stack.
  if (error instanceof Error && 'syscall' in error) {
    print(oneLine(error.message));
    return 3;
  }
  print(errorForLog(error instanceof Error ? (error.stack ?? error.message) : String(error)));
  return 1;
}
