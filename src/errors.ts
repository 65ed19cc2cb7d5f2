/**
 * An error that ends a command: a message for people, and an exit code.
 *
 * @example
 * ```ts
 * import { FlowError, loadSpec } from 'agent-flow';
 *
 * const error = await loadSpec('no-such.json', { env: {} }).catch((error: unknown) => error);
 * console.log(error instanceof FlowError && error.exitCode); // 2
 * ```
 */
export class FlowError extends Error {
  override readonly name: string = 'FlowError';
  readonly exitCode: number;
  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/**
 * The command line is not valid, or the spec does not fit the engine: nothing was started. Exit code 2.
 *
 * @example
 * ```ts
 * import { runFlow, UsageError } from 'agent-flow';
 *
 * const greedy = { agents: { all: { command: ['true'], cpus: 4096 } } };
 * const error = await runFlow(greedy).catch((error: unknown) => error);
 * console.log(error instanceof UsageError); // true
 * ```
 */
export class UsageError extends FlowError {
  override readonly name = 'UsageError';
  constructor(message: string) {
    super(message, 2);
  }
}

/**
 * Docker is missing, too old or unreachable, or a foreign container or network has the name that is needed. Exit code 3.
 *
 * @example
 * ```ts
 * import { EngineError, runFlow } from 'agent-flow';
 *
 * process.env.DOCKER_HOST = 'unix:///nowhere.sock';
 * const error = await runFlow({ agents: { a: { command: ['true'] } } }).catch((error: unknown) => error);
 * console.log(error instanceof EngineError); // true
 * ```
 */
export class EngineError extends FlowError {
  override readonly name = 'EngineError';
  constructor(message: string, options?: ErrorOptions) {
    super(message, 3, options);
  }
}

/**
 * The run folder cannot be written, the run's lock was lost, or a secret is missing, so this process cannot continue the
 * run. Agents that have started continue in their containers. Exit code 3.
 *
 * @example
 * ```ts
 * import { RunStateError } from 'agent-flow';
 *
 * const advice = (error: unknown) => (error instanceof RunStateError ? 'fix it, then agent-flow resume' : 'start again');
 * console.log(advice(new RunStateError('the journal cannot be written'))); // fix it, then agent-flow resume
 * ```
 */
export class RunStateError extends FlowError {
  override readonly name = 'RunStateError';
  constructor(message: string, options?: ErrorOptions) {
    super(message, 3, options);
  }
}
