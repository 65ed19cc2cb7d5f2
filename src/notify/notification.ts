import type { RunEvent } from '../events.ts';
import type { NotifiedEvent } from '../spec/notify-plan.ts';
import { approveCommand } from '../state/approval-label.ts';
import { type FlowState, ofAgent, type Status } from '../state/flow-state.ts';
import { statusLabel } from '../state/state-label.ts';
import { oneLine } from '../text/text.ts';

/** A notification as it is posted, in JSON. Text of agents is data in it. */
export interface Notification {
  readonly version: 1;
  readonly event: NotifiedEvent;
  readonly runId: string;
  /** The name of the flow. */
  readonly flow: string;
  /** null if it is about the whole run. */
  readonly agent: string | null;
  /** The state of the agent, or the status of the run. */
  readonly status: string;
  /** One line for people. */
  readonly message: string;
  /** The command that answers, or shows more. */
  readonly command: string;
  /** ISO 8601. */
  readonly at: string;
}

/** Characters of a message. */
const maxMessage = 500;

/** Return the notification of an event, after which the run is in this state; null if it has none. */
export function notificationOf(state: FlowState, event: RunEvent): Notification | null {
  if (event.type !== 'agent.state') return null;
  const { agent, at, cause } = event;
  const { runId } = state;
  if (event.state === 'running.needsInput')
    return notification(state, at, {
      ...{ event: 'needsInput', agent, status: 'needsInput' },
      message: `${agent} needs input${cause === null ? '' : `: it ${cause}`}`,
      command: `agent-flow attach ${runId}/${agent}`,
    });
  if (event.state !== 'awaitingApproval') return null;
  return notification(state, at, {
    ...{ event: 'approval', agent, status: event.state },
    message: `${agent} waits for approval: ${ofAgent(state, agent)?.approval?.prompt ?? ''}`,
    command: approveCommand(runId, agent),
  });
}

/** Return the notification of the end of a run. */
export function endNotification(state: FlowState, status: Status, at: number): Notification {
  const failed = Object.values(state.agents).filter(agent => agent.status !== 'succeeded');
  const names = failed.slice(0, 5).map(({ name, status }) => `${name} ${statusLabel[status ?? 'failed']}`);
  const more = failed.length > 5 ? ` and ${failed.length - 5} more` : '';
  return notification(state, at, {
    ...{ event: 'ended', agent: null, status },
    message: `${state.name} ${statusLabel[status]}${names.length === 0 ? '' : `: ${names.join(', ')}${more}`}`,
    command: `agent-flow ps --all`,
  });
}

const notification = (
  { runId, name }: FlowState,
  at: number,
  { message, ...body }: Pick<Notification, 'event' | 'agent' | 'status' | 'message' | 'command'>,
): Notification => ({
  version: 1,
  ...body,
  ...{ runId, flow: name, message: oneLine(message).slice(0, maxMessage) },
  at: new Date(at).toISOString(),
});
