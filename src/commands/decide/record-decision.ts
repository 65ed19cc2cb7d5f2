import { UsageError } from '../../errors.ts';
import { requestDecision } from '../../run/request-decision.ts';
import { decisionLabel } from '../../state/approval-label.ts';
import { ofAgent } from '../../state/flow-state.ts';
import { type DecisionRequest, maxReasonLength } from '../../store/requests.ts';
import { oneLine } from '../../text/text.ts';
import { type FoundAgent, type FoundRun, inWords } from '../find-agent.ts';

/** A decision of a user on an approval. */
export interface GivenDecision extends Pick<DecisionRequest, 'agent' | 'decision' | 'source'> {
  /** The reason as the user wrote it; null for none. */
  readonly reason: string | null;
}

export interface RecordedDecision {
  /** The decision that counts; null if there is none yet. */
  readonly decision: DecisionRequest['decision'] | null;
  /** Whether another decision counts, or the approval has ended without one. */
  readonly isOverruled: boolean;
  /** The result in one line for the user. */
  readonly message: string;
}

/**
 * Request a decision on an approval, and wait until the run has recorded one; the first decision counts. `read` returns the
 * run as it is now. Throws a `UsageError` if the approval waits for none, and a `FlowError` if the supervisor takes no
 * requests.
 */
export async function recordDecision(read: () => FoundRun, given: GivenDecision): Promise<RecordedDecision> {
  const reason = toReason(given.reason);
  const { agent, decision, source } = given;
  const { folder } = read();
  const now = () => findApproval(read(), agent).agent;
  assertWaiting({ ...read(), agent: now() });
  const isOver = () => now().status !== null || now().approval?.decided != null;
  const outcome = await requestDecision(folder, { agent, decision, source, reason }, { isOver });
  const { runId } = folder;
  if (outcome === 'left')
    return {
      ...{ decision: null, isOverruled: false },
      message: `run ${runId} has no supervisor: ${runId}/${agent} is ${decision} when agent-flow resume ${runId} continues it`,
    };
  const { approval, status } = now();
  const decided = approval?.decided?.decision ?? null;
  const label = approval === undefined ? null : decisionLabel(approval);
  const result = label === null ? `has ended (${status})` : `is ${oneLine(label)}`;
  return { decision: decided, isOverruled: decided !== decision, message: `${runId}/${agent} ${result}` };
}

/** Return the reason as one line; null if it is empty. Throws a `UsageError` if it is too long. */
function toReason(given: string | null): string | null {
  const reason = oneLine(given ?? '').trim();
  if (reason.length > maxReasonLength)
    throw new UsageError(`the message has ${reason.length} characters; the maximum is ${maxReasonLength}`);
  return reason || null;
}

function findApproval(run: FoundRun, name: string): FoundAgent {
  const agent = ofAgent(run.state, name);
  if (agent) return { ...run, agent };
  throw new UsageError(`agent ${oneLine(name)} does not exist in run ${run.folder.runId}`);
}

/** Throw a `UsageError` for an agent that waits for no decision. */
function assertWaiting({ folder: { runId }, agent }: FoundAgent): void {
  const address = `${runId}/${agent.name}`;
  if (agent.approval === undefined) throw new UsageError(`${address} is not an approval`);
  const { until } = agent.approval;
  const label = decisionLabel(agent.approval);
  if (label !== null) throw new UsageError(`${address} is already ${oneLine(label)}`);
  if (agent.status !== null) throw new UsageError(`${address} has already finished (${inWords(agent)})`);
  if (until === null) throw new UsageError(`${address} is not waiting for approval yet`);
  if (Date.now() > until)
    throw new UsageError(`the time of ${address} is over; agent-flow resume ${runId} applies its default`);
}
