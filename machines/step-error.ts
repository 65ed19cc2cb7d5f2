import type { FailureKind } from './outcome.ts';

/** What an actor rejects with: plain facts that the chart's guards can read. */
export class StepError extends Error {
  override readonly name = 'StepError';
  readonly kind: FailureKind;
  /** Milliseconds since the epoch; a retry counts from here. */
  readonly at: number;
  readonly command?: string;
  readonly exitCode?: number;
  /** The docker CLI was cut off, so its effect may still land. */
  readonly inDoubt: boolean;

  constructor(
    kind: FailureKind,
    message: string,
    details: { at: number; command?: string; exitCode?: number; inDoubt?: boolean; cause?: unknown },
  ) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.kind = kind;
    this.at = details.at;
    this.inDoubt = details.inDoubt ?? false;
    if (details.command !== undefined) this.command = details.command;
    if (details.exitCode !== undefined) this.exitCode = details.exitCode;
  }
}

/** Whatever was thrown, as a StepError: what we did not foresee is `internal` and never retried. */
export function asStepError(error: unknown): StepError {
  if (error instanceof StepError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new StepError('internal', message, { at: 0, cause: error });
}
