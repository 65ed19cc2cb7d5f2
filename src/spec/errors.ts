import { FlowError } from '../errors.ts';
import { escapeControl, shorten } from './escape-control.ts';

/** One thing that is wrong in a spec. */
export interface Problem {
  /** Where, as a JSON path such as `agents.fixer.timeouts.run`; empty for the file as a whole. */
  readonly path: string;
  /** What was expected there, and the mend. */
  readonly message: string;
  /** What was found there, where something was. */
  readonly value?: unknown;
}

/**
 * A spec that cannot be run: every problem of it at once, in the order of the file.
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
  /** The spec's path, as it was given. */
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
