import type { RunEvent } from '../../events.ts';
import { decisionLabel } from '../../state/approval-label.ts';
import { roundResult } from '../../state/rounds.ts';
import type { Store, View } from './store.ts';
import { sinceStart } from './words.ts';

/** Move through the run, event by event. */
export function TimeBar({ store, shown }: { readonly store: Store; readonly shown: View }) {
  const { index, count, isLive, state, now } = shown;
  const event = store.events[index];
  const text = event ? describeEvent(event) : 'nothing yet';
  const where = `event ${index + 1} of ${count}`;
  return (
    <section class="time" aria-label="Time">
      <button
        type="button"
        aria-label="Previous event"
        disabled={index <= 0}
        onClick={() => store.look(index - 1)}
      >
        ‹
      </button>
      <input
        type="range"
        min={0}
        max={Math.max(0, count - 1)}
        value={Math.max(0, index)}
        aria-label="Event"
        aria-valuetext={`${where}: ${text}`}
        onInput={({ currentTarget }) => store.look(Number(currentTarget.value))}
      />
      <button type="button" aria-label="Next event" disabled={isLive} onClick={() => store.look(index + 1)}>
        ›
      </button>
      <button type="button" class="live" aria-pressed={isLive} onClick={() => store.look(null)}>
        Newest
      </button>
      <p class="event-text">
        <span class="where">{`${where} · ${sinceStart(now - (state.startedAt ?? now))}`}</span>
        <span class="what">{text}</span>
      </p>
    </section>
  );
}

/** Describe an event in a few words. */
function describeEvent(event: RunEvent): string {
  switch (event.type) {
    case 'agent.state':
      return `${event.agent}: ${event.state}${event.event && ` (${event.event})`}`;
    case 'docker.call':
      return event.argv.slice(0, 2).join(' ') + (event.agent === null ? '' : ` for ${event.agent}`);
    case 'docker.result':
      return event.ok ? 'docker succeeded' : `docker failed: ${event.interrupted ?? event.exitCode}`;
    case 'attempt.ended':
      return `${event.agent}: attempt ${event.attempt} ${event.status}`;
    case 'check.ended':
      return `${event.agent}: ${roundResult(event)}`;
    case 'approval.requested':
      return `${event.agent}: a decision is requested`;
    case 'approval.decided':
      return `${event.agent}: ${decisionLabel({ decided: event })}`;
    case 'agent.condition':
      return `${event.agent}: ${event.reason}`;
    case 'agent.ended':
      return `${event.agent} ${event.status}`;
    case 'run.ended':
      return `the run ${event.status}`;
    case 'warning':
      return event.message;
    default:
      return event.type;
  }
}
