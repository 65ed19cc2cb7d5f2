import { createMachine } from 'xstate';

type Path = readonly (string | number)[];
type Json = Record<string, unknown>;

/** One transition of a chart, found by where it stands in the config. */
export interface Place {
  /** `building.onDone[1]`, as a person would look for it. */
  readonly name: string;
  /** `building.onDone`: it is chosen among its neighbours there, by their order and guards. */
  readonly slot: string;
  readonly path: Path;
  readonly target: string | null;
  readonly eventless: boolean;
  /** To where a target would change nothing: the state itself, where it has no states inside. */
  readonly home: string | null;
  readonly transition: Json;
}

export interface Mutant<Machine> {
  readonly name: string;
  /** Only a story that takes what is named here can notice. */
  readonly noticedBy: string;
  readonly machine: Machine;
}

interface Chart {
  readonly config: unknown;
  readonly implementations: unknown;
}

/** Every transition that a chart has: `on`, `always`, and the `onDone` and `onError` of what it invokes. */
export function transitionsOf(machine: Chart): readonly Place[] {
  return inState(machine.config as Json, [], '');
}

function inState(state: Json, path: Path, name: string): Place[] {
  const { on, always, invoke, states } = state as Record<string, Json | undefined>;
  const home = states ? null : name;
  return [
    ...Object.entries(on ?? {}).flatMap(([event, found]) =>
      inSlot(found, [...path, 'on', event], `${name}.${event}`, home),
    ),
    ...inSlot(always, [...path, 'always'], `${name}.always`, home),
    ...['onDone', 'onError'].flatMap(slot =>
      inSlot(invoke?.[slot], [...path, 'invoke', slot], `${name}.${slot}`, home),
    ),
    ...Object.entries(states ?? {}).flatMap(([key, child]) =>
      inState(child as Json, [...path, 'states', key], name === '' ? key : `${name}.${key}`),
    ),
  ];
}

function inSlot(found: unknown, path: Path, name: string, home: string | null): Place[] {
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
      home,
      transition,
    };
  });
}

/** Builds the same chart with one transition replaced, or dropped where `null` is given. */
function withTransition<Machine extends Chart>(
  machine: Machine,
  { path }: Place,
  transition: Json | null,
): Machine {
  const config = copy(machine.config) as Json;
  const [slot, index] = [path.slice(0, -1), path.at(-1) as number];
  const owner = slot.slice(0, -1).reduce<Json>((at, key) => at[key] as Json, config);
  const key = slot.at(-1) as string;
  const list = (Array.isArray(owner[key]) ? owner[key] : [owner[key]]) as unknown[];
  if (transition === null) list.splice(index, 1);
  else list[index] = transition;
  owner[key] = list;
  return createMachine(config as never, machine.implementations as never) as unknown as Machine;
}

/**
 * Retargets each transition to every one of the given states in turn. An eventless one is not led to a state that is
 * only passed through: such a chart may spin for ever.
 */
export function* retargeted<Machine extends Chart>(
  machine: Machine,
  { standing, passing }: { standing: readonly string[]; passing: readonly string[] },
): Generator<Mutant<Machine>> {
  for (const place of transitionsOf(machine))
    for (const target of place.eventless ? standing : [...standing, ...passing]) {
      if (last(target) === last(place.target ?? place.home)) continue;
      if (place.eventless && last(target) === last(place.home)) continue;
      const transition = { ...place.transition, target };
      yield {
        name: `${place.name} → ${target}`,
        noticedBy: place.name,
        machine: withTransition(machine, place, transition),
      };
    }
}

/** Drops each transition, its guard, and each of its actions. */
export function* weakened<Machine extends Chart>(machine: Machine): Generator<Mutant<Machine>> {
  for (const place of transitionsOf(machine)) {
    const { guard, actions, ...bare } = place.transition;
    const mutant = (what: string, transition: Json | null) => ({
      name: `${place.name} without ${what}`,
      noticedBy: place.slot,
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

/** The same chart, noting each transition that it takes, and the slot that it stands in. */
export function observed<Machine extends Chart>(machine: Machine, taken: (name: string) => void): Machine {
  const note =
    ({ name, slot }: Place) =>
    () => {
      taken(name);
      taken(slot);
    };
  return transitionsOf(machine).reduce((chart, place) => {
    const actions = [place.transition.actions ?? []].flat();
    return withTransition(chart, place, { ...place.transition, actions: [...actions, note(place)] });
  }, machine);
}

/** The chart with what a state does on entry left out, one thing at a time. */
export function* forgetful<Machine extends Chart>(machine: Machine): Generator<Mutant<Machine>> {
  const { states } = machine.config as { states: Record<string, Json> };
  for (const [name, { entry }] of Object.entries(states))
    for (const dropped of [entry ?? []].flat()) {
      const config = copy(machine.config) as { states: Record<string, Json> };
      config.states[name]!.entry = [entry].flat().filter(action => action !== dropped);
      yield {
        name: `${name} without ${nameOf(dropped)} on entry`,
        noticedBy: name,
        machine: createMachine(config as never, machine.implementations as never) as unknown as Machine,
      };
    }
}

const last = (name: string | null) => name?.replace(/^.*[.#]/, '');

const nameOf = (action: unknown) => (typeof action === 'string' ? action : (action as { type: string }).type);

const isPlain = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** A copy of the config's own objects and lists; what they hold is shared. */
function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  return isPlain(value)
    ? Object.fromEntries(Object.entries(value).map(([key, held]) => [key, copy(held)]))
    : value;
}
