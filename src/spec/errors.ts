import { FlowError } from '../errors.ts';
import { escapeControl, shorten } from './escape-control.ts';

/** A problem of a spec. */
export interface Problem {
  /** Location, as a JSON path such as `agents.fixer.timeouts.run`; empty for the file as a whole. */
  readonly path: string;
  /** Description of the expected value, and of the fix. */
  readonly message: string;
  /** The value at `path`, if there is one. */
  readonly value?: unknown;
}

/**
 * Thrown for a spec that cannot be run, with all of its problems in the order of the file. Its exit code is 2.
 *
 * @example
 * ```ts
 * import { runFlow, SpecError } from 'agent-flow';
 *
 * const error = await runFlow({ agents: {} }).catch((error: unknown) => error);
 * console.log(error instanceof SpecError && error.problems.length); // 1
 * ```
 */
export class SpecError extends FlowError {
  override readonly name = 'SpecError';
  /** Path of the spec, as given by the caller. */
  readonly file: string;
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super(
      [`${escapeControl(file)} has ${count}:`, ...problems.map(problem => `  ${lineOf(problem)}`)].join('\n'),
      2,
    );
    this.file = file;
    this.problems = problems;
  }
}

function lineOf({ path, value, message }: Problem): string {
  const found = value === undefined ? [] : [shorten(JSON.stringify(value))];
  return escapeControl([...(path === '' ? [] : [path]), ...found, message].join(': '));
}
