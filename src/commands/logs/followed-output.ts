import { Writable } from 'node:stream';
import { outputBegin } from '../../transcript/output-begin.ts';
import { tailOf, unprinted } from '../../transcript/output-end.ts';

/** Milliseconds without output after which held bytes are printed. */
const restMs = 100;

/**
 * Pass on an agent's output as it comes, without the lines of the container before and after it, no faster than `onBytes`
 * takes it: Docker waits meanwhile, so nothing is buffered. `printed` returns the number of bytes passed on, or throws what
 * `onBytes` threw.
 */
export function followedOutput(onBytes: (bytes: Buffer) => Promise<void>) {
  let held: Buffer = Buffer.alloc(0);
  const begin = outputBegin();
  let passed = 0;
  let failure: Error | null = null;
  let rest: NodeJS.Timeout | undefined;
  let turn = Promise.resolve();

  const pass = async (isAtRest: boolean) => {
    if (failure) throw failure;
    const bytes = held.subarray(0, held.length - unprinted(tailOf(held), isAtRest));
    held = held.subarray(bytes.length);
    if (bytes.length > 0) await onBytes(bytes);
    passed += bytes.length;
  };
  const inTurn = (add: Buffer, isAtRest: boolean, done: (error?: Error) => void) => {
    clearTimeout(rest);
    turn = turn
      .then(() => {
        held = Buffer.concat([held, begin.add(add)]);
        return pass(isAtRest);
      })
      .then(
        () => done(),
        (error: Error) => {
          failure ??= error;
          done(error);
        },
      );
  };
  const nothing = Buffer.alloc(0);
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) =>
      inTurn(chunk, false, error => {
        rest = setTimeout(() => inTurn(nothing, true, problem => problem && sink.destroy(problem)), restMs);
        done(error);
      }),
    final: done => inTurn(begin.end(), true, done),
    destroy(error, done) {
      clearTimeout(rest);
      done(error);
    },
  });
  return {
    sink,
    printed() {
      if (failure) throw failure;
      return passed;
    },
  };
}
