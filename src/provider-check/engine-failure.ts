import { asStepError } from '../../machines/step-error.ts';
import { EngineError, FlowError } from '../errors.ts';

/** Rethrow the failure of a docker call that has nothing to do with the CLI as an `EngineError`. */
export const orEngineError = <T>(work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    if (error instanceof FlowError) throw error;
    throw new EngineError(asStepError(error).message, { cause: error });
  });
