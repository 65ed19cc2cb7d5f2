import { FlowError } from '../errors.ts';
import type { RunResult } from '../state/result-schema.ts';
import type { OutputIssue } from './typed-spec.ts';

/**
 * A schema that was passed to `runFlow` does not accept the output of an agent, although its JSON Schema does. The run has
 * ended, and `result` is its whole result, with the outputs as the agents wrote them. Exit code 1.
 *
 * @example
 * ```ts
 * import { OutputError, runFlow } from 'agent-flow';
 * import * as z from 'zod';
 *
 * const schema = z.int().refine(count => count % 2 === 0, 'expected an even number');
 * const command = ['sh', '-c', 'echo 3 >"$AGENT_OUTPUT_FILE"'];
 * const count = { command, output: { schema }, workspace: { mode: 'none' }, memory: '128m', cpus: 1 } as const;
 * const error = await runFlow({ agents: { count } }).catch((error: unknown) => error);
 * if (error instanceof OutputError) console.log(error.message); // the output of count: expected an even number
 * ```
 */
export class OutputError extends FlowError {
  override readonly name = 'OutputError';
  readonly agent: string;
  readonly issues: readonly OutputIssue[];
  readonly result: RunResult;
  constructor(agent: string, issues: readonly OutputIssue[], result: RunResult) {
    super(`the output of ${agent}: ${issues[0]?.message ?? 'it is not valid'}`, 1);
    this.agent = agent;
    this.issues = issues;
    this.result = result;
  }
}
