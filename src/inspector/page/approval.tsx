import { useState } from 'preact/hooks';
import { approveCommand, decisionLabel, rejectCommand } from '../../state/approval-label.ts';
import { type AgentState, ofAgent } from '../../state/flow-state.ts';
import { formatDuration } from '../../text/duration.ts';
import type { Store, View } from './store.ts';
import { sinceStart } from './words.ts';

interface ApprovalProps {
  readonly store: Store;
  readonly shown: View;
  readonly agent: AgentState;
}

/** The question of an approval, the decision with its author and reason, and how to decide. All of it is text. */
export function Approval({ store, shown, agent }: ApprovalProps) {
  const { approval } = agent;
  if (approval === undefined) return null;
  const { prompt, onTimeout, until, decided } = approval;
  const start = shown.state.startedAt ?? 0;
  const byDefault = onTimeout === 'approve' ? 'approved' : 'rejected';
  return (
    <section class="approval-panel" aria-label={`Approval ${agent.name}`}>
      <h3>{`Approval: ${agent.name}`}</h3>
      <p class="prompt">{prompt}</p>
      {decided !== null ? (
        <p class="decision">{`${decisionLabel(approval)} (at ${sinceStart(decided.at - start)})`}</p>
      ) : (
        until !== null &&
        agent.status === null && (
          <p class="muted">{`Waits for a decision; ${byDefault} by default in ${formatDuration(until - shown.now)}.`}</p>
        )
      )}
      {isOpen(shown, agent.name) && <Decide store={store} runId={shown.state.runId} agent={agent.name} />}
    </section>
  );
}

/** Return whether an approval waits now, whichever moment is shown. */
export function isOpen({ newest }: View, name: string): boolean {
  const now = ofAgent(newest, name);
  return now?.approval?.until != null && now.approval.decided === null && now.status === null;
}

interface DecideProps {
  readonly store: Store;
  readonly runId: string;
  readonly agent: string;
}

function Decide({ store: { source }, runId, agent }: DecideProps) {
  const [result, setResult] = useState('');
  const [isSending, setSending] = useState(false);
  if (!source.mayWrite)
    return (
      <p class="commands">
        <span class="muted">Run one of these commands:</span>
        <code>{`${approveCommand(runId, agent)} -m "reason"`}</code>
        <code>{`${rejectCommand(runId, agent)} -m "reason"`}</code>
      </p>
    );
  const decide = (decision: 'approved' | 'rejected', reason: string) => {
    setSending(true);
    setResult('recording the decision …');
    source
      .decide(agent, decision, reason)
      .then(setResult, ({ message }: Error) => setResult(message))
      .finally(() => setSending(false));
  };
  return (
    <form
      class="decide"
      onSubmit={event => {
        event.preventDefault();
        const isRejected = (event.submitter as HTMLButtonElement | null)?.value === 'rejected';
        const reason = String(new FormData(event.currentTarget).get('reason') ?? '');
        decide(isRejected ? 'rejected' : 'approved', reason);
      }}
      onKeyDown={event => {
        // Enter in the reason would press the first button.
        if (event.key === 'Enter' && event.target instanceof HTMLInputElement) event.preventDefault();
      }}
    >
      <input name="reason" maxLength={1000} aria-label="Reason" placeholder="Reason (optional)" />
      <button type="submit" value="approved" disabled={isSending}>
        Approve
      </button>
      <button type="submit" value="rejected" disabled={isSending}>
        Reject
      </button>
      <output>{result}</output>
    </form>
  );
}
