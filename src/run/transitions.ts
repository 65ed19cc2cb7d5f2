import type { AnyActorRef, InspectionEvent, Snapshot } from 'xstate';
import type { AgentContext, AgentOutput } from '../../machines/agent-types.ts';
import type { RunEventBody } from '../events.ts';
import { eventWord } from '../state/event-word.ts';
import type { Transcript } from '../transcript/transcript.ts';

/**
 * Turns what XState's inspection says into events of the journal. A microstep is told before the actor that it
 * invokes starts, so a transition is written ahead of its effects.
 */
export function transitionEvents(
  isAgent: (name: string) => boolean,
  append: (event: RunEventBody) => void,
  /** Of an attempt; null where it has none. */
  transcript: (agent: string, attempt: number) => Transcript | null,
  /** Its end is in the journal already: it is not told twice. */
  isOver: (agent: string) => boolean = () => false,
  /** What the attempt was kept from, by name. */
  blockedHosts: (agent: string, attempt: number) => readonly string[] = () => [],
): (inspected: InspectionEvent) => void {
  const last = new Map<string, string>();
  return inspected => {
    if (inspected.type !== '@xstate.microstep' && inspected.type !== '@xstate.snapshot') return;
    const agent = (inspected.actorRef as AnyActorRef).id;
    const snapshot = inspected.snapshot as Snapshot<unknown> & { value?: unknown; context?: AgentContext };
    if (!isAgent(agent) || snapshot.value === undefined || snapshot.context === undefined) return;

    const state = stateName(snapshot.value);
    const { attempt, containerId, injectedAt, retryAt, outcome } = snapshot.context;
    const place = `${attempt} ${state}`;
    if (last.get(agent) === place) return;
    const before = last.get(agent)?.split(' ')[1] ?? '';
    last.set(agent, place);
    append({
      type: 'agent.state',
      agent,
      attempt,
      state,
      event: eventWord(inspected.event.type) ?? '',
      containerId,
      injectedAt,
      cause: causeOf(inspected.event),
      until: waitsForTime(state) ? retryAt : null,
    });
    // A verdict stands before its container is removed: a crash in between does not lose it.
    if (state.startsWith('removing') && !before.startsWith('removing') && outcome !== null) {
      const kept = transcript(agent, attempt);
      const blocked = blockedHosts(agent, attempt);
      append({
        type: 'attempt.ended',
        agent,
        attempt,
        ...outcome,
        containerId,
        image: snapshot.context.image,
        transcript: kept?.path ?? null,
        ...(kept?.truncated ? { transcriptTruncated: true } : {}),
        ...(kept?.usage ? { usage: kept.usage } : {}),
        ...(kept?.screen ? { screen: kept.screen } : {}),
        ...(blocked.length === 0 ? {} : { blockedHosts: [...blocked] }),
      });
    }
    if (snapshot.status === 'done' && !isOver(agent)) {
      const { name: _, attempts: __, ...output } = snapshot.output as AgentOutput;
      append({ type: 'agent.ended', agent, ...output });
    }
  };
}

export const waitsForTime = (state: string) => ['backingOff', 'retrying', 'waitingForQuota'].includes(state);

/** `{running: 'working'}` is `running.working`. */
export function stateName(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[parent, child] = ['', '']] = Object.entries(value as Record<string, unknown>);
  return `${parent}.${stateName(child)}`;
}

function causeOf(event: { type: string; error?: unknown; reason?: unknown }): string | null {
  if (event.error instanceof Error) return event.error.message;
  return typeof event.reason === 'string' ? event.reason : null;
}
