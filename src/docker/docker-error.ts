/**
 * - `unreachable`: the engine cannot be reached.
 * - `gpu`: the engine has no GPUs for containers, or not the requested ones.
 * - `outOfResources`: the engine's disk is full, or its pool of network addresses is used up.
 * - `transient`: a failure that passes, so the call is worth another try.
 * - `docker`: a permanent failure of no other kind.
 */
export type DockerErrorKind = 'unreachable' | 'gpu' | 'outOfResources' | 'transient' | 'docker';

export interface DockerErrorDetails {
  readonly inDoubt: boolean;
  readonly command: string;
  readonly exitCode: number | null;
  readonly stderr: string;
  readonly interrupted?: 'timeout' | 'aborted' | 'overflow' | null;
  readonly reason?: string;
}

/** The failure of a docker command. */
export class DockerError extends Error {
  override readonly name = 'DockerError';
  readonly kind: DockerErrorKind;
  /** The client was cut off, or the daemon went away: the effect of the command is unknown. */
  readonly inDoubt: boolean;
  /** `docker network create`. */
  readonly command: string;
  /** null if the client was cut off. */
  readonly exitCode: number | null;
  readonly stderr: string;
  /** Why the client was cut off; null if it ended by itself. */
  readonly interrupted: 'timeout' | 'aborted' | 'overflow' | null;
  /** The message without the operation, for a caller that names its own. */
  readonly reason: string;

  constructor(kind: DockerErrorKind, message: string, details: DockerErrorDetails) {
    super(message);
    this.kind = kind;
    this.inDoubt = details.inDoubt;
    this.command = details.command;
    this.exitCode = details.exitCode;
    this.stderr = details.stderr;
    this.interrupted = details.interrupted ?? null;
    this.reason = details.reason ?? message;
  }
}
