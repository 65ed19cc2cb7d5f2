import { type AnyActor, type AnyEventObject, type InspectionEvent, StateMachine } from 'xstate';
import type { AgentContext } from '../../machines/agent-types.ts';
import type { FlowContext } from '../../machines/flow.ts';
import { tagsOf } from '../../machines/state-tags.ts';
import { stateName } from '../run/transitions.ts';

/**
 * Reduce inspection events of XState to an allow list: the flow and its agents, their charts, their states, and the fields
 * of contexts and events that are named here. Everything else (messages of docker, commands, outputs, errors, live
 * objects) is dropped before anything is serialized.
 *
 * Actors that states invoke are omitted: there is one per state, of the same name.
 */
export function redactInspection(): (event: InspectionEvent) => InspectionEvent | null {
  const seen = new Map<string, { first: RedactedSnapshot; place: string }>();

  return event => {
    const actor = event.actorRef as AnyActor;
    const { rootId } = event;
    const { logic, sessionId } = actor;
    if (!(logic instanceof StateMachine)) return null;

    if (event.type === '@xstate.actor') {
      const actorRef = {
        id: actor.id,
        sessionId,
        _parent: actor._parent && { sessionId: actor._parent.sessionId },
        logic: { config: chart(logic.config) },
        // An actor is reported before it has a state; when this is called, it has its first one.
        getSnapshot: () => seen.get(sessionId)?.first ?? { status: 'active' },
      };
      return { type: '@xstate.actor', rootId, actorRef } as unknown as InspectionEvent;
    }

    const actorRef = { sessionId };
    if (event.type === '@xstate.event') {
      const source = event.sourceRef as AnyActor | undefined;
      const sourceRef = source?.logic instanceof StateMachine ? { sessionId: source.sessionId } : undefined;
      return {
        type: '@xstate.event',
        rootId,
        actorRef,
        sourceRef,
        event: withoutPayload(event.event),
      } as InspectionEvent;
    }

    // XState reports each step of a transition through several states as a microstep, and only the last as a snapshot.
    if (event.type !== '@xstate.microstep' && event.type !== '@xstate.snapshot') return null;
    const { status, value, context } = event.snapshot as unknown as RedactedSnapshot;
    const known = contexts[logic.id];
    const shown = { status, value, context: known ? known.shown(context, value) : {} };
    const place = `${stateName(value)} ${known?.place(context) ?? ''}`;
    const before = seen.get(sessionId);
    if (before?.place === place) return null;
    seen.set(sessionId, { first: before?.first ?? shown, place });
    return {
      type: '@xstate.snapshot',
      rootId,
      actorRef,
      event: withoutPayload(event.event),
      snapshot: shown,
    } as unknown as InspectionEvent;
  };
}

interface RedactedSnapshot {
  readonly status: string;
  readonly value: unknown;
  readonly context: unknown;
}

/** By machine: the fields of its context that are shown, and what distinguishes places in addition to the state. */
const contexts: Readonly<
  Record<string, { shown(context: unknown, state: unknown): object; place(context: unknown): unknown }>
> = {
  agent: {
    shown(context, state) {
      const { name, attempt, retries, pendingStep, tries, waitEndsAt, injectedAt, cancelled, outcome } =
        context as AgentContext;
      const shownOutcome = outcome && {
        status: outcome.status,
        exitCode: outcome.exitCode,
        error: outcome.error && { phase: outcome.error.phase, kind: outcome.error.kind },
      };
      const until = tagsOf(stateName(state)).includes('timed') ? waitEndsAt : null;
      return {
        name,
        attempt,
        retries,
        pendingStep,
        tries,
        until,
        injectedAt,
        cancelled,
        outcome: shownOutcome,
      };
    },
    place: context => (context as AgentContext).attempt,
  },
  flow: {
    shown: context => ({ concurrency: (context as FlowContext).concurrency, agents: countPhases(context) }),
    place: context => JSON.stringify(countPhases(context)),
  },
};

/** Return the number of agents by phase: names would be long in a large flow, and started agents are actors. */
const countPhases = (context: unknown): Record<string, number> =>
  Object.fromEntries(Object.entries((context as FlowContext).counts).filter(([, count]) => count > 0));

const withoutPayload = ({ type }: AnyEventObject) => ({ type });

/** Return states, transitions, and names of actions. JSON drops functions. */
function chart({ context: _, ...config }: object & { context?: unknown }): unknown {
  return JSON.parse(JSON.stringify(config));
}
