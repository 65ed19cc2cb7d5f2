import { decisionLabel } from '../../state/approval-label.ts';
import { type AgentState, ofAgent } from '../../state/flow-state.ts';
import { attemptLabel } from '../../state/rounds.ts';
import { engineTitle } from '../../state/state-label.ts';
import { formatDuration } from '../../text/duration.ts';
import { Approval, isOpen } from './approval.tsx';
import { Chart } from './chart.tsx';
import { Gantt } from './gantt.tsx';
import { hashOf } from './route.ts';
import type { Store, View } from './store.ts';
import { agentLabel, lifetime, markOf } from './words.ts';

/** All agents: their dependencies, states and timelines. */
export function FlowView({ store, shown }: { readonly store: Store; readonly shown: View }) {
  const { state, flow, now } = shown;
  const detail = (id: string) => {
    const agent = ofAgent(state, id);
    if (!agent) return '';
    const ms = lifetime(agent, now);
    // An approval has its decision in place of its status.
    const label = (agent.approval && decisionLabel(agent.approval)) ?? agentLabel(agent);
    const attempt = agent.approval === undefined ? attemptLabel(agent, agent.attempt) : null;
    return [label, attempt, ms === null ? null : formatDuration(ms), skipReason(agent)]
      .filter(Boolean)
      .join(' · ');
  };
  const open = Object.values(state.agents).filter(({ name }) => isOpen(shown, name));
  return (
    <main>
      <section class="flow" aria-label="Agents by dependency">
        <h2>Agents</h2>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is scrolled by keys too */}
        <section class="scroll" tabIndex={0} aria-label="Graph of the agents">
          {flow ? (
            <Chart
              drawn={flow}
              label={`The agents of ${state.name}`}
              mark={id => {
                const agent = ofAgent(state, id);
                return agent ? markOf(agent) : null;
              }}
              detail={detail}
              isApproval={id => ofAgent(state, id)?.approval !== undefined}
              href={id => hashOf({ view: 'agent', agent: id, tab: 'chart' })}
            />
          ) : (
            <p class="muted">
              {state.startedAt === null ? 'The run has not started.' : 'Drawing the agents …'}
            </p>
          )}
        </section>
      </section>
      {open.map(agent => (
        <Approval key={agent.name} store={store} shown={shown} agent={agent} />
      ))}
      <Warnings shown={shown} />
      <Gantt store={store} shown={shown} />
    </main>
  );
}

/** Return why an agent was skipped: its condition does not hold, or a result or a value that it needs is missing. */
const skipReason = ({ status, error, condition }: AgentState): string | null =>
  status === 'skipped' ? (error?.message ?? condition?.reason ?? null) : null;

function Warnings({ shown: { state } }: { readonly shown: View }) {
  const messages = [
    ...state.unreachable.map(engine => `${engineTitle(engine)} unreachable: ${engine.message}`),
    ...(state.cancelled ? [`Cancelled: ${state.cancelled}`] : []),
    ...state.warnings.map(({ agent, message }) => (agent ? `${agent}: ${message}` : message)),
  ];
  if (messages.length === 0) return null;
  return (
    <ul class="warnings" aria-label="Warnings">
      {messages.map((message, index) => (
        <li key={index}>{message}</li>
      ))}
    </ul>
  );
}
