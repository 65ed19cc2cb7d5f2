import { fromPromise } from 'xstate';
import type { ConditionInput, ConditionResult } from '../../machines/flow-dependencies.ts';
import type { Outcome } from '../../machines/outcome.ts';
import type { ConditionAgent } from '../spec/condition.ts';

type Condition = Omit<ConditionResult, 'agent'>;

export interface ConditionPort {
  /** Return the condition of an agent, as the spec has it. */
  expression(agent: string): string;
  /** Return the result that is recorded already; null if there is none. */
  recorded(agent: string): Condition | null;
  /** Return the branch with the work of an agent that has ended; null if there is none. */
  branch(agent: string): string | null;
  /** Resolves when the result is on disk. */
  record(result: ConditionResult): Promise<void>;
}

/** Evaluate conditions: each once, also if the run is resumed, and recorded before anything follows from it (I3). */
export const conditionActor = ({ expression, recorded, branch, record }: ConditionPort) =>
  fromPromise<ConditionResult, ConditionInput>(async ({ input: { agent, outcomes } }) => {
    const known = recorded(agent);
    if (known !== null) return { agent, ...known };
    const seen = Object.entries(outcomes).map(
      ([name, outcome]) => [name, seenOf(outcome, branch(name))] as const,
    );
    // Most runs have no condition.
    const { evaluateCondition } = await import('../spec/condition.ts');
    const result = { agent, ...evaluateCondition(expression(agent), Object.fromEntries(seen)) };
    // A journal that cannot be written halts the run, so nothing may follow.
    await record(result).catch(() => new Promise(() => {}));
    return result;
  });

const seenOf = ({ status, exitCode, error }: Outcome, branch: string | null): ConditionAgent => ({
  status,
  exitCode,
  branch,
  kind: error?.kind ?? null,
});
