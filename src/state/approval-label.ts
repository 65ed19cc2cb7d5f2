import { decisionText } from '../../machines/approval-types.ts';
import { formatDuration } from '../text/duration.ts';
import type { AgentState } from './agent-state.ts';
import type { ApprovalState } from './approval-state.ts';

/** Return what an approval asks and how to answer: `Merge? agent-flow approve r4k2m9xq deploy (or reject; …)`. */
export function approvalQuestion(
  runId: string,
  { name, approval, until }: Pick<AgentState, 'name' | 'approval' | 'until'>,
  now: number,
): string {
  const { prompt, onTimeout } = approval!;
  const byDefault = until === null ? '' : `; ${participle[onTimeout]} in ${formatDuration(until - now)}`;
  return `${prompt} ${approveCommand(runId, name)} (or reject${byDefault})`;
}

export const approveCommand = (runId: string, agent: string) => `agent-flow approve ${runId} ${agent}`;

export const rejectCommand = (runId: string, agent: string) => `agent-flow reject ${runId} ${agent}`;

const participle = { approve: 'approved', reject: 'rejected' } as const;

/** Return the decision on an approval, as text for the user; null before it is made. */
export const decisionLabel = ({ decided }: Pick<ApprovalState, 'decided'>): string | null =>
  decided && decisionText(decided);
