import type { Usage } from './agent-state.ts';
import { decisionLabel } from './approval-label.ts';
import type { AttemptState, Failure, FlowState, Status } from './flow-state.ts';
import { outputIn } from './for-each-state.ts';
import { exitCodeOf, resultOf } from './result.ts';
import { ownAttempts } from './reused-agent.ts';
import { logsCommand, roundsOf } from './rounds.ts';
import { usageOf } from './usage.ts';

/** The outcome of an agent, for reports to other programs. */
export interface AgentOutcome {
  readonly name: string;
  /** Its values of a matrix, by name; none without one. */
  readonly matrix: Readonly<Record<string, string | number | boolean>>;
  /** The item of a list that it is for, as JSON; null if it is for none. */
  readonly item: string | null;
  /** The earlier run whose outcome and work it has; null if it ran in this one. */
  readonly reused: string | null;
  /** The decision on an approval, as text for the user; null for other agents, and before it is made. */
  readonly decision: string | null;
  readonly status: Status;
  readonly exitCode: number | null;
  readonly error: Failure | null;
  /** The attempts of this run that have ended. */
  readonly attempts: readonly AttemptState[];
  /** The output that others read, as JSON; null if there is none. */
  readonly outputJson: string | null;
  /** Path of the last attempt's transcript. */
  readonly transcript: string | null;
  /** Path of the output with the reason of its end: that of its check, if that did not pass. */
  readonly output: string | null;
  /** The usage that its AI CLI reports; null if it does not. */
  readonly usage: Usage | null;
  /** Duration in milliseconds; null if it never started. */
  readonly ms: number | null;
  /** Whether Docker or the host failed, and not the agent. */
  readonly isInfrastructure: boolean;
  /** The command that prints the transcript; null without one. */
  readonly logsCommand: string | null;
}

export const outcomesOf = (state: FlowState): readonly AgentOutcome[] => {
  const result = resultOf(state);
  return Object.values(state.agents).map(agent => {
    const { name, startedAt, endedAt } = agent;
    const { status, exitCode, error, transcript } = result.agents[name]!;
    return {
      name,
      matrix: agent.matrix ?? {},
      item: agent.item?.json || null,
      reused: agent.reused ?? null,
      decision: agent.approval === undefined ? null : decisionLabel(agent.approval),
      status,
      exitCode,
      error,
      attempts: ownAttempts(agent).filter(attempt => attempt.status !== null),
      outputJson: outputIn(state, agent),
      transcript,
      output: (error?.kind === 'check' ? roundsOf(agent).at(-1)?.transcript : null) ?? transcript,
      usage: usageOf(agent),
      ms: startedAt === null || endedAt === null ? null : Math.max(0, endedAt - startedAt),
      isInfrastructure: exitCodeOf({ ...state, ended: null, agents: { [name]: agent } }) === 3,
      logsCommand: transcript === null ? null : logsCommand(state, { ...agent, error }),
    };
  });
};
