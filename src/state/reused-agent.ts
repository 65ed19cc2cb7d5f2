import { itemName } from '../text/item-name.ts';
import { type AgentState, type EventOf, waiting } from './agent-state.ts';
import { emptyAttempt } from './attempt-state.ts';

type ReusedWork = NonNullable<EventOf<'run.started'>['agents'][number]['reused']>;

/** Return the state of an agent when its run starts: it waits, or has the outcome and work of an earlier run. */
export function initialAgent(event: EventOf<'run.started'>['agents'][number], at: number): AgentState {
  const agent = waiting(event, at);
  return event.reused === undefined ? agent : withWork(agent, event.reused, at);
}

function withWork(
  agent: AgentState,
  { run, attempt, exitCode, image, workspace, artifacts, decision, items = [], ...report }: ReusedWork,
  at: number,
): AgentState {
  const { transcript, transcriptTruncated = false, usage = null, screen = null, blockedHosts = [] } = report;
  const { check = null, output = null } = report;
  const outcome = { status: 'succeeded', exitCode, error: null } as const;
  const ended = { ...agent, ...outcome, reused: run, attempt, state: 'succeeded', endedAt: at, image };
  if (agent.forEach !== undefined) {
    const names = items.map((_, index) => itemName(agent.name, index + 1));
    return { ...ended, forEach: { ...agent.forEach, names } };
  }
  // An approval has no attempts, but a decision.
  if (agent.approval !== undefined)
    return { ...ended, approval: { ...agent.approval, decided: decision ?? null } };
  return {
    ...ended,
    attempts: [
      {
        ...emptyAttempt(attempt),
        ...outcome,
        ...{ transcript, transcriptTruncated, usage, screen, blockedHosts },
        ...{ isSaved: true, workspace, artifacts, check, output },
      },
    ],
  };
}

/** Return the attempts of an agent in its own run: none for an agent whose work is that of an earlier run. */
export const ownAttempts = ({ reused, attempts }: Pick<AgentState, 'reused' | 'attempts'>) =>
  reused === undefined ? attempts : [];
