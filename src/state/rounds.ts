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

/** Return the round that an attempt belongs to, and how many there can be; null for an agent without a check. */
export function roundOf(
  { attempts, rounds }: Pick<AgentState, 'attempts' | 'rounds'>,
  attempt: number,
): Pick<Round, 'round' | 'rounds'> | null {
  const own = attempts.find(entry => entry.attempt === attempt)?.check;
  if (own) return own;
  const last = lastFailedCheck(attempts, attempt);
  const most = rounds ?? last?.rounds;
  return most === undefined ? null : { round: (last?.round ?? 0) + 1, rounds: most };
}

/** Return how a check has ended: `the check failed with exit code 1`. */
export function checkLabel({ status, exitCode, reason }: Pick<CheckState, 'status' | 'exitCode' | 'reason'>) {
  if (status === 'passed') return 'the check passed';
  const code = exitCode === null ? '' : ` with exit code ${exitCode}`;
  // The exit code is not repeated; what the reason has beside it is, such as that memory was short.
  const why = (reason ?? '').replace(/^it exited with \d+(: )?/, '');
  return `the check ${status === 'timedOut' ? 'timed out' : 'failed'}${code}${why && `: ${why}`}`;
}

/** Return the end of a round: `round 2 of 5: the check passed`. */
export function roundResult(check: CheckState): string {
  const label = roundLabel(check);
  return `${label}${label && ': '}${checkLabel(check)}`;
}

/** Return what is running: `round 2 of 5, attempt 3`; the attempt only if it is not the first of its round. */
export function attemptLabel(agent: Pick<AgentState, 'attempts' | 'rounds'>, attempt: number): string {
  const found = roundOf(agent, attempt);
  const label = found === null ? '' : roundLabel(found);
  const isFirst = attempt === (lastFailedCheck(agent.attempts, attempt)?.attempt ?? 0) + 1;
  return [label, isFirst ? '' : `attempt ${attempt}`].filter(Boolean).join(', ');
}

/** Return the command that prints the output with the reason of an agent's end: its own, or that of its check. */
export function logsCommand(
  { runId }: { readonly runId: string },
  { name, error, attempts }: Pick<AgentState, 'name' | 'attempts'> & { readonly error: Failure | null },
): string {
  const last = error?.kind === 'check' ? roundsOf({ attempts }).at(-1) : undefined;
  return `agent-flow logs ${last === undefined ? '' : `--check ${last.round} `}${runId}/${name}`;
}
