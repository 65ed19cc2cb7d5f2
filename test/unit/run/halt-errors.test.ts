import test from 'ava';
import { EngineError, RunStateError } from '../../../src/errors.ts';
import { cannotContinue, engineReplaced, unwritable, unwritableEnd } from '../../../src/run/halt-errors.ts';
import type { RunFolder } from '../../../src/store/state-directory.ts';

const run = { runId: 'r1234567', path: '/state/runs/r1234567' } as RunFolder;
const cause = new Error('ENOSPC: no space left on device');

test('a run that halts names its directory or engine, and how to resume it', t => {
  const errors = [
    unwritable(run, cause),
    unwritableEnd(run, cause),
    engineReplaced(run, 'ABCD', 'EFGH'),
    cannotContinue(run, 'the secret X is not set'),
  ];
  for (const error of errors) {
    t.is(error.exitCode, 3);
    t.regex(error.message, /agent-flow resume r1234567/);
  }
  t.deepEqual(
    errors.map(error => error.constructor),
    [RunStateError, RunStateError, EngineError, RunStateError],
  );
  t.is(errors[0]!.cause, cause);
  t.regex(errors[0]!.message, /^\/state\/runs\/r1234567 cannot be written: ENOSPC.* Its agents live on/);
  t.regex(errors[1]!.message, /Its agents have finished; only the result is missing/);
  t.regex(errors[2]!.message, /on the Docker engine ABCD, and now EFGH/);
});
