import type { ActorLogic, AnyActorRef, EventObject, InspectionEvent, Snapshot } from 'xstate';

type ManualEvent = { type: 'resolve'; output: unknown } | { type: 'reject'; error: unknown };
type ManualSnapshot = Snapshot<unknown> & { readonly input: unknown };

/**
 * Create an actor that a test resolves or rejects. It settles synchronously, so that thousands of walks take seconds: a
 * promise would settle a tick later.
 */
export function manualActor(src: string): ActorLogic<ManualSnapshot, EventObject, unknown> {
  return {
    getInitialSnapshot({ system }, input) {
      callsIn(system).push({ src, input });
      return { status: 'active', output: undefined, error: undefined, input };
    },
    transition(snapshot, event) {
      const settled = event as ManualEvent;
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

/** Check for the root actor by id, since a machine may take steps before `createActor` returns. */
export const isRoot = ({ actorRef, rootId }: InspectionEvent) =>
  (actorRef as AnyActorRef).sessionId === rootId;

/** Return the actors that this system has invoked. */
export function callsIn(system: object): { src: string; input: unknown }[] {
  const found = calls.get(system) ?? [];
  calls.set(system, found);
  return found;
}
/** Let a system append to an existing list of calls. */
export const shareCalls = (system: object, existing: ReturnType<typeof callsIn>) =>
  void calls.set(system, existing);
const calls = new WeakMap<object, { src: string; input: unknown }[]>();
