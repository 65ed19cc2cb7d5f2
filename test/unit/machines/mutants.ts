import { createMachine } from 'xstate';

type Path = readonly (string | number)[];
type Json = Record<string, unknown>;

/** A transition of a chart, with its path in the config. */
export interface Place {
  /** A name for messages, such as `building.onDone[1]`. */
  readonly name: string;
  /** The list that contains the transition, such as `building.onDone`. */
  readonly slot: string;
  readonly path: Path;
  readonly target: string | null;
  readonly eventless: boolean;
  /** The source state, a target without effect; null if it has substates. */
  readonly source: string | null;
  readonly transition: Json;
}

export interface Mutant<Machine> {
  readonly name: string;
  /** Only a scenario that takes this transition can detect the mutant. */
  readonly detectedBy: string;
  readonly machine: Machine;
}

interface Chart {
  readonly config: unknown;
  readonly implementations: unknown;
}

/** Return every transition of a chart: `on`, `always`, and `onDone` and `onError` of invokes. */
export function transitionsOf(machine: Chart): readonly Place[] {
  return inState(machine.config as Json, [], '');
}

function inState(state: Json, path: Path, name: string): Place[] {
  const { on, always, invoke, states } = state as Record<string, Json | undefined>;
  const source = states ? null : name;
  return [
    ...Object.entries(on ?? {}).flatMap(([event, found]) =>
      inSlot(found, [...path, 'on', event], `${name}.${event}`, source),
    ),
    ...inSlot(always, [...path, 'always'], `${name}.always`, source),
    ...['onDone', 'onError'].flatMap(slot =>
      inSlot(invoke?.[slot], [...path, 'invoke', slot], `${name}.${slot}`, source),
    ),
    ...Object.entries(states ?? {}).flatMap(([key, child]) =>
      inState(child as Json, [...path, 'states', key], name === '' ? key : `${name}.${key}`),
    ),
  ];
}

function inSlot(found: unknown, path: Path, name: string, source: string | null): Place[] {
  if (found === undefined) return [];
  const list = (Array.isArray(found) ? found : [found]) as (Json | string)[];
  return list.map((entry, index) => {
    const transition = typeof entry === 'string' ? { target: entry } : entry;
    return {
      name: list.length > 1 ? `${name}[${index}]` : name,
      slot: name,
      path: [...path, index],
      target: (transition.target as string | undefined) ?? null,
      eventless: path.at(-1) === 'always',
      source,
      transition,
    };
  });
}

/** Return a copy of a chart with one transition replaced, or dropped for `null`. */
function withTransition<Machine extends Chart>(
  machine: Machine,
  { path }: Place,
  transition: Json | null,
): Machine {
  const config = replaced(machine.config as Json, path.slice(0, -1) as string[], slot =>
    [slot].flat().toSpliced(path.at(-1) as number, 1, ...(transition === null ? [] : [transition])),
  );
  return createMachine(config as never, machine.implementations as never) as unknown as Machine;
}

/**
 * Yield mutants in which a transition has another target, for every transition and each of the given states. An eventless
 * transition does not get a transient state as target, since such a chart may loop forever.
 */
export function* retargeted<Machine extends Chart>(
  machine: Machine,
  { stable, transient }: { stable: readonly string[]; transient: readonly string[] },
): Generator<Mutant<Machine>> {
  for (const place of transitionsOf(machine))
    for (const target of place.eventless ? stable : [...stable, ...transient]) {
      if (last(target) === last(place.target ?? place.source)) continue;
      if (place.eventless && last(target) === last(place.source)) continue;
      const transition = { ...place.transition, target };
      yield {
        name: `${place.name} → ${target}`,
        detectedBy: place.name,
        machine: withTransition(machine, place, transition),
      };
    }
}

/** Yield mutants without a transition, without its guard, or without one of its actions. */
export function* weakened<Machine extends Chart>(machine: Machine): Generator<Mutant<Machine>> {
  for (const place of transitionsOf(machine)) {
    const { guard, actions, ...bare } = place.transition;
    const mutant = (what: string, transition: Json | null) => ({
      name: `${place.name} without ${what}`,
      detectedBy: place.slot,
      machine: withTransition(machine, place, transition),
    });
    yield mutant('itself', null);
    if (guard !== undefined) yield mutant('its guard', { ...bare, ...(actions ? { actions } : {}) });
    const list = actions === undefined ? [] : [actions].flat();
    for (const dropped of list)
      yield mutant(`the action ${nameOf(dropped)}`, {
        ...place.transition,
        actions: list.filter(action => action !== dropped),
      });
  }
}

/** Return a copy of a chart that reports each transition that it takes, by name and by slot. */
export function withObserver<Machine extends Chart>(
  machine: Machine,
  onTransition: (name: string) => void,
): Machine {
  const note =
    ({ name, slot }: Place) =>
    () => {
      onTransition(name);
      onTransition(slot);
    };
  return transitionsOf(machine).reduce((chart, place) => {
    const actions = [place.transition.actions ?? []].flat();
    return withTransition(chart, place, { ...place.transition, actions: [...actions, note(place)] });
  }, machine);
}

/** Yield mutants without one of the entry actions of a state. */
export function* withoutEntryAction<Machine extends Chart>(machine: Machine): Generator<Mutant<Machine>> {
  const { states } = machine.config as { states: Record<string, Json> };
  for (const [name, { entry }] of Object.entries(states))
    for (const dropped of [entry ?? []].flat()) {
      const config = replaced(machine.config as Json, ['states', name, 'entry'], list =>
        [list].flat().filter(action => action !== dropped),
      );
      yield {
        name: `${name} without ${nameOf(dropped)} on entry`,
        detectedBy: name,
        machine: createMachine(config as never, machine.implementations as never) as unknown as Machine,
      };
    }
}

const last = (name: string | null) => name?.replace(/^.*[.#]/, '');

const nameOf = (action: unknown) => (typeof action === 'string' ? action : (action as { type: string }).type);

/** Return a copy of an object with the value at a path replaced; everything beside the path is shared. */
function replaced(
  object: Json,
  [key, ...path]: readonly string[],
  change: (value: unknown) => unknown,
): Json {
  const value = object[key!];
  return { ...object, [key!]: path.length === 0 ? change(value) : replaced(value as Json, path, change) };
}
