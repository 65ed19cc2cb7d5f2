import type { Mutant } from './mutants.ts';

export interface Story<Machine> {
  readonly title: string;
  readonly tell: (machine: Machine) => unknown;
}

/** Which transitions each story takes: a story that never takes one cannot tell whether it is broken. */
export function coverage<Machine>(
  stories: readonly Story<Machine>[],
  machine: Machine,
  observe: (machine: Machine, taken: (name: string) => void) => Machine,
): ReadonlyMap<string, readonly Story<Machine>[]> {
  const covering = new Map<string, Story<Machine>[]>();
  let taken = new Set<string>();
  const watched = observe(machine, name => taken.add(name));
  for (const story of stories) {
    taken = new Set();
    story.tell(watched);
    for (const name of taken) covering.set(name, [...(covering.get(name) ?? []), story]);
  }
  return covering;
}

/** Tells broken charts the stories that could notice, until one fails; names those that none noticed. */
export function survivors<Machine>(
  mutants: Iterable<Mutant<Machine>>,
  noticing: (mutant: Mutant<Machine>) => readonly Story<Machine>[],
): { readonly killed: number; readonly survived: readonly string[] } {
  let killed = 0;
  const survived: string[] = [];
  for (const mutant of mutants) {
    const noticed = noticing(mutant).some(({ tell }) => {
      try {
        tell(mutant.machine);
        return false;
      } catch {
        return true;
      }
    });
    if (noticed) killed++;
    else survived.push(mutant.name);
  }
  return { killed, survived };
}
