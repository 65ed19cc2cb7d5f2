import type { AgentState } from '../../state/flow-state.ts';
import { checkLabel, roundsOf } from '../../state/rounds.ts';
import { formatDuration } from '../../text/duration.ts';
import { hashOf } from './route.ts';

/** The rounds of an agent that have ended, each with its check. */
export function Rounds({ agent }: { readonly agent: AgentState }) {
  const rounds = roundsOf(agent);
  if (rounds.length === 0) return null;
  return (
    <section class="rounds" aria-label="Rounds">
      <h3>{`Rounds: ${rounds.length} of ${rounds[0]!.rounds}`}</h3>
      <ol>
        {rounds.map(({ round, attempt, ms, transcript, ...check }) => (
          <li key={round} class={check.status === 'passed' ? '' : 'bad'}>
            {`round ${round}, attempt ${attempt}: ${checkLabel(check)}, after ${formatDuration(ms)} `}
            {transcript !== null && (
              <a href={hashOf({ view: 'agent', agent: agent.name, tab: 'terminal', check: round })}>
                {`Output of check ${round}`}
              </a>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}
