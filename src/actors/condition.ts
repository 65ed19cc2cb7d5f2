import { fromPromise } from 'xstate';
import type { ConditionInput, ConditionResult } from '../../machines/flow-dependencies.ts';
import type { Outcome } from '../../machines/outcome.ts';
import type { ConditionAgent } from '../spec/condition.ts';
import { knownExpansion, type ListPort, recordItems } from './for-each.ts';
import { beforeAnythingFollows, type InputPort, recordInputs } from './inputs.ts';

type Condition = Omit<ConditionResult, 'agent'>;

export interface ConditionPort {
  /** Return the condition of an agent, as the spec has it; undefined if it only reads values of others. */
  expression(agent: string): string | undefined;
  /** Return the result that is recorded already; null if there is none. */
  recorded(agent: string): Condition | null;
  /** Return the branch and the output of an agent that has ended; null if there is none. */
  results(agent: string): AgentResults;
  readonly inputs: InputPort;
  readonly lists: ListPort;
  /** Resolves when the result is on disk. */
  record(result: ConditionResult): Promise<void>;
}

interface AgentResults {
  readonly branch: string | null;
  /** As JSON. */
  readonly output: string | null;
}

/** Evaluate conditions: each once, also if the run is resumed, and recorded before anything follows from it (I3). */
export const conditionActor = ({ expression, recorded, results, record, inputs, lists }: ConditionPort) =>
  fromPromise<ConditionResult, ConditionInput>(async ({ input: { agent, outcomes } }) => {
    const seen = Object.entries(outcomes).map(
      ([name, outcome]) => [name, seenOf(outcome, results(name))] as const,
    );
    const isList = lists.plan(agent) !== null;
    const known = isList ? knownExpansion(agent, lists) : null;
    if (known !== null) return { agent, ...known };
    const condition = expression(agent);
    const result =
      condition === undefined
        ? { holds: true, reason: 'it has no condition' }
        : (recorded(agent) ?? (await evaluate(agent, condition, Object.fromEntries(seen), record)));
    if (!result.holds) return { agent, ...result };
    const sources = new Map(seen);
    const read = isList ? recordItems(agent, sources, lists) : recordInputs(agent, sources, inputs);
    return { agent, ...result, ...(await read) };
  });

async function evaluate(
  agent: string,
  condition: string,
  seen: Readonly<Record<string, ConditionAgent>>,
  record: ConditionPort['record'],
): Promise<Condition> {
  // Most runs have no condition.
  const { evaluateCondition } = await import('../spec/condition.ts');
  const result = evaluateCondition(condition, seen);
  await beforeAnythingFollows(record({ agent, ...result }));
  return result;
}

const seenOf = ({ status, exitCode, error }: Outcome, { branch, output }: AgentResults): ConditionAgent => ({
  status,
  exitCode,
  branch,
  output: status === 'succeeded' ? output : null,
  kind: error?.kind ?? null,
});
