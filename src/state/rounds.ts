import type { AgentState, AttemptState, CheckState, Failure } from './agent-state.ts';

/** A round of an agent whose work is checked: it ends with a check. */
export interface Round extends CheckState {
  /** The attempt whose work was checked. */
  readonly attempt: number;
}

/** Return the rounds of an agent that have ended, in order. */
export const roundsOf = ({ attempts }: Pick<AgentState, 'attempts'>): Round[] =>
  attempts.flatMap(({ attempt, check }) => (check === null ? [] : [{ attempt, ...check }]));

/** Return the last check before an attempt that did not pass: the attempt belongs to the round that it began. */
export const lastFailedCheck = (attempts: readonly AttemptState[], before: number): Round | null =>
  roundsOf({ attempts }).findLast(({ attempt, status }) => attempt < before && status !== 'passed') ?? null;

/** Return which round of how many this is; nothing if there is only one. */
export const roundLabel = ({ round, rounds }: Pick<CheckState, 'round' | 'rounds'>): string =>
  rounds === 1 ? '' : `round ${round} of ${rounds}`;

/** Return the command that prints the output with the reason of an agent's end: its own, or that of its check. */
export function logsCommand(
  { runId }: { readonly runId: string },
  { name, error, attempts }: Pick<AgentState, 'name' | 'attempts'> & { readonly error: Failure | null },
): string {
  const last = error?.kind === 'check' ? roundsOf({ attempts }).at(-1) : undefined;
  return `agent-flow logs ${last === undefined ? '' : `--check ${last.round} `}${runId}/${name}`;
}
