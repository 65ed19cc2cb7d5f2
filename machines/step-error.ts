import type { FailureKind } from './outcome.ts';

interface StepErrorDetails {
  readonly at?: number;
  readonly command?: string;
  readonly exitCode?: number;
  readonly inDoubt?: boolean;
  readonly cause?: unknown;
}

/** The rejection of an actor: plain facts that the chart's guards can read. */
export class StepError extends Error {
  override readonly name = 'StepError';
  readonly kind: FailureKind;
  /** Milliseconds since the epoch, from which the backoff counts. 0 until `asStepError` sets it. */
  readonly at: number;
  readonly command?: string;
  readonly exitCode?: number;
  /** The docker CLI was interrupted, so the effect of the call is unknown. */
  readonly inDoubt: boolean;

  constructor(
    kind: FailureKind,
    message: string,
    { at = 0, command, exitCode, inDoubt = false, ...rest }: StepErrorDetails = {},
  ) {
    super(message, rest);
    this.kind = kind;
    this.at = at;
    this.inDoubt = inDoubt;
    if (command !== undefined) this.command = command;
    if (exitCode !== undefined) this.exitCode = exitCode;
  }
}

/** The shape of the `DockerError` of src/docker, since machines do not import src. */
interface CommandError extends Error {
  readonly kind: FailureKind;
  readonly inDoubt: boolean;
  readonly command: string;
  readonly exitCode: number | null;
}

const isCommandError = (error: unknown): error is CommandError =>
  error instanceof Error && ['kind', 'inDoubt', 'command', 'exitCode'].every(key => key in error);

export interface StepErrorOptions {
  /** The time of the failure in milliseconds since the epoch, for an error without one. */
  readonly at?: number;
  /** The kind of a command's failure that docker's client cannot classify. Default: `docker`. */
  readonly fallbackKind?: FailureKind;
}

/** Convert any error to a StepError. An unforeseen one is `internal`, and its step is not tried again. */
export function asStepError(
  error: unknown,
  { at = 0, fallbackKind = 'docker' }: StepErrorOptions = {},
): StepError {
  if (error instanceof StepError)
    return error.at > 0 || at === 0
      ? error
      : new StepError(error.kind, error.message, { ...error, at, cause: error });
  if (!isCommandError(error)) {
    const message = error instanceof Error ? error.message : String(error);
    return new StepError('internal', message, { at, cause: error });
  }
  const { message, command, exitCode, inDoubt } = error;
  const kind = error.kind === 'docker' ? fallbackKind : error.kind;
  const details = { at, command, inDoubt, cause: error };
  return new StepError(kind, message, exitCode === null ? details : { ...details, exitCode });
}
