import type { ActorLogic, AnyActorRef, EventObject, InspectionEvent, Snapshot } from 'xstate';

type HandEvent = { type: 'resolve'; output: unknown } | { type: 'reject'; error: unknown };
type HandSnapshot = Snapshot<unknown> & { readonly input: unknown };

/**
 * An actor that does nothing until a test says how it came out. It answers at once, where a promise would answer a
 * tick later: thousands of walks take seconds.
 */
export function byHand(src: string): ActorLogic<HandSnapshot, EventObject, unknown> {
  return {
    getInitialSnapshot({ system }, input) {
      callsIn(system).push({ src, input });
      return { status: 'active', output: undefined, error: undefined, input };
    },
    transition(snapshot, event) {
      const told = event as HandEvent;
      if (told.type === 'resolve')
        return { ...snapshot, status: 'done', output: told.output, error: undefined };
      if (told.type === 'reject')
        return { ...snapshot, status: 'error', output: undefined, error: told.error };
      return snapshot;
    },
    getPersistedSnapshot: snapshot => snapshot,
  };
}

export const resolve = (actor: AnyActorRef, output: unknown) => actor.send({ type: 'resolve', output });
export const reject = (actor: AnyActorRef, error: unknown) => actor.send({ type: 'reject', error });

/** Asked by id: a machine may take steps while `createActor` has not returned yet. */
export const isRoot = ({ actorRef, rootId }: InspectionEvent) =>
  (actorRef as AnyActorRef).sessionId === rootId;

/** What has been called since the machine of this system began. */
export function callsIn(system: object): { src: string; input: unknown }[] {
  const found = calls.get(system) ?? [];
  calls.set(system, found);
  return found;
}
/** Has this system add to calls that another one began. */
export const sharesCalls = (system: object, begun: ReturnType<typeof callsIn>) =>
  void calls.set(system, begun);
const calls = new WeakMap<object, { src: string; input: unknown }[]>();
