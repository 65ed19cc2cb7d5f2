import type { AnyActorRef, InspectionEvent, Snapshot } from 'xstate';
import type { AgentContext, AgentEmitted, AgentOutput } from '../../machines/agent-types.ts';
import { tagsOf } from '../../machines/state-tags.ts';
import type { Usage } from '../agent-cli/report.ts';
import type { RunEventBody } from '../events.ts';
import { eventWord } from '../state/event-word.ts';
import { type PricedUsage, priced } from '../transcript/priced-usage.ts';
import type { Transcript } from '../transcript/transcript.ts';

/** An agent can forge the report of its CLI, but not the count of the broker: only its turns are taken from it then. */
function knownUsage(reported: PricedUsage | null, counted: Usage | null): PricedUsage | null {
  if (counted === null) return reported;
  const usage = priced({ ...counted, turns: reported?.turns ?? null })!;
  // A model without a price costs at least as much as the CLI says.
  return usage.costUsd === null && reported?.costUsd ? { ...usage, costUsd: reported.costUsd } : usage;
}

/**
 * Turn inspection events of XState into events of the journal. A microstep is reported before the actor that it invokes
 * starts, so a transition is written ahead of its effects (I3).
 */
export function transitionEvents(
  isAgent: (name: string) => boolean,
  append: (event: RunEventBody) => void,
  /** Return the transcript of an attempt; null where it has none. */
  transcript: (agent: string, attempt: number) => Transcript | null,
  /** Report whether the journal has the end of this agent already: it is not written twice. */
  isEnded: (agent: string) => boolean = () => false,
  /** Return the hosts that the network of an attempt has blocked. */
  blockedHosts: (agent: string, attempt: number) => readonly string[] = () => [],
  /** Return the usage of an attempt by the count of the broker; null without one. */
  counted: (agent: string, attempt: number) => Usage | null = () => null,
): (inspected: InspectionEvent) => void {
  const last = new Map<string, string>();
  /** By agent: emitted in the microstep that is about to be reported. */
  const emitted = new Map<string, AgentEmitted>();

  const appendEndOfAttempt = (agent: string, ended: AgentEmitted) => {
    const kept = transcript(agent, ended.attempt);
    const blocked = blockedHosts(agent, ended.attempt);
    const usage = knownUsage(kept?.usage ?? null, counted(agent, ended.attempt));
    append({
      agent,
      ...ended,
      transcript: kept?.path ?? null,
      ...(kept?.truncated ? { transcriptTruncated: true } : {}),
      ...(usage === null ? {} : { usage }),
      ...(kept?.screen ? { screen: kept.screen } : {}),
      ...(blocked.length === 0 ? {} : { blockedHosts: [...blocked] }),
    });
  };

  return inspected => {
    const agent = (inspected.actorRef as AnyActorRef).id;
    if (!isAgent(agent)) return;
    if (inspected.type === '@xstate.action') {
      const event = emittedBy(inspected.action);
      if (event !== null) emitted.set(agent, event);
      return;
    }
    if (inspected.type !== '@xstate.microstep' && inspected.type !== '@xstate.snapshot') return;
    const snapshot = inspected.snapshot as Snapshot<unknown> & { value?: unknown; context?: AgentContext };
    if (snapshot.value === undefined || snapshot.context === undefined) return;

    const state = stateName(snapshot.value);
    const { attempt, containerId, injectedAt, waitEndsAt } = snapshot.context;
    const cause = causeOf(inspected.event);
    // The reason of a wait for a host changes, and each one is journaled.
    const place = `${attempt} ${state} ${state === 'placing.pending' ? cause : ''}`;
    if (last.get(agent) === place) return;
    last.set(agent, place);
    append({
      type: 'agent.state',
      agent,
      attempt,
      state,
      event: eventWord(inspected.event.type) ?? '',
      containerId,
      injectedAt,
      cause,
      until: tagsOf(state).includes('timed') ? waitEndsAt : null,
    });
    // The outcome is journaled before the container is removed: a crash in between does not lose it.
    const ended = emitted.get(agent);
    emitted.delete(agent);
    if (ended) appendEndOfAttempt(agent, ended);
    if (snapshot.status === 'done' && !isEnded(agent)) {
      const { name: _, attempts: __, ...output } = snapshot.output as AgentOutput;
      append({ type: 'agent.ended', agent, ...output });
    }
  };
}

/**
 * Return the event that an `emit` action emits; null for other actions. Listeners of `actor.on` are called only after the
 * last of several microsteps, when later states are in the journal already.
 */
function emittedBy({ type, params }: { type: string; params: unknown }): AgentEmitted | null {
  return type === 'xstate.emit' ? (params as { event: AgentEmitted }).event : null;
}

/** Return the name of a state: `{running: 'working'}` is `running.working`. */
export function stateName(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[parent, child] = ['', '']] = Object.entries(value as Record<string, unknown>);
  return `${parent}.${stateName(child)}`;
}

function causeOf(event: { type: string; error?: unknown; reason?: unknown }): string | null {
  if (event.error instanceof Error) return event.error.message;
  return typeof event.reason === 'string' ? event.reason : null;
}
