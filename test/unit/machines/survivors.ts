import type { Mutant } from './mutants.ts';

export interface Scenario<Machine> {
  readonly title: string;
  readonly run: (machine: Machine) => unknown;
}

/** Map each transition to the scenarios that take it: only those can detect a mutant of it. */
export function coverage<Machine>(
  scenarios: readonly Scenario<Machine>[],
  machine: Machine,
  observe: (machine: Machine, taken: (name: string) => void) => Machine,
): ReadonlyMap<string, readonly Scenario<Machine>[]> {
  const covering = new Map<string, Scenario<Machine>[]>();
  let taken = new Set<string>();
  const observed = observe(machine, name => taken.add(name));
  for (const scenario of scenarios) {
    taken = new Set();
    scenario.run(observed);
    for (const name of taken) covering.set(name, [...(covering.get(name) ?? []), scenario]);
  }
  return covering;
}

/** Run the scenarios that can detect each mutant until one fails. Return the names of undetected mutants. */
export function survivors<Machine>(
  mutants: Iterable<Mutant<Machine>>,
  detecting: (mutant: Mutant<Machine>) => readonly Scenario<Machine>[],
): { readonly killed: number; readonly survived: readonly string[] } {
  let killed = 0;
  const survived: string[] = [];
  for (const mutant of mutants) {
    const detected = detecting(mutant).some(({ run }) => {
      try {
        run(mutant.machine);
        return false;
      } catch {
        return true;
      }
    });
    if (detected) killed++;
    else survived.push(mutant.name);
  }
  return { killed, survived };
}
