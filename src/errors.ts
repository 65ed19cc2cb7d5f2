/**
 * What ends a command: a message for people, and the exit code that goes with it.
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
 * A wrong word on the command line, or a spec that this engine cannot hold: nothing was started.
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
 * Docker is absent, too old, unreachable, or holds something foreign in our place.
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
