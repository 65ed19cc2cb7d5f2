import type { ActorLogic, AnyActorRef, EventObject, InspectionEvent, Snapshot } from 'xstate';

type HandEvent = { type: 'resolve'; output: unknown } | { type: 'reject'; error: unknown };
type HandSnapshot = Snapshot<unknown> & { readonly input: unknown };

/**
 * An actor that does nothing until a test resolves or rejects it. It settles at once, where a promise would settle a tick
 * later, so that thousands of walks take seconds.
 */
export function byHand(src: string): ActorLogic<HandSnapshot, EventObject, unknown> {
  return {
    getInitialSnapshot({ system }, input) {
      callsIn(system).push({ src, input });
      return { status: 'active', output: undefined, error: undefined, input };
    },
    transition(snapshot, event) {
      const settled = event as HandEvent;
      if (settled.type === 'resolve')
        return { ...snapshot, status: 'done', output: settled.output, error: undefined };
      if (settled.type === 'reject')
        return { ...snapshot, status: 'error', output: undefined, error: settled.error };
      return snapshot;
    },
    getPersistedSnapshot: snapshot => snapshot,
  };
}

export const resolve = (actor: AnyActorRef, output: unknown) => actor.send({ type: 'resolve', output });
export const reject = (actor: AnyActorRef, error: unknown) => actor.send({ type: 'reject', error });

/** Compares ids, since a machine may take steps before `createActor` returns. */
export const isRoot = ({ actorRef, rootId }: InspectionEvent) =>
  (actorRef as AnyActorRef).sessionId === rootId;

/** Return the calls since the machine of this system started. */
export function callsIn(system: object): { src: string; input: unknown }[] {
  const found = calls.get(system) ?? [];
  calls.set(system, found);
  return found;
}
/** Let this system append to the calls of another one. */
export const sharesCalls = (system: object, begun: ReturnType<typeof callsIn>) =>
  void calls.set(system, begun);
const calls = new WeakMap<object, { src: string; input: unknown }[]>();
