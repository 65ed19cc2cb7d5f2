import * as z from 'zod';
import { itemName } from '../text/item-name.ts';
import { controlPlan } from './control-plan.ts';
import { type ForEachPlan, forEachFields } from './for-each-plan.ts';
import type { AgentPlan } from './plan.ts';

const { inputs: _, item: __, ...control } = controlPlan;

/** The schema of an agent with `forEach` in a plan that is read back from disk. */
export const forEachPlan = z.strictObject({ ...forEachFields, ...control }) satisfies z.ZodType<ForEachPlan>;

/** Return why the agents for items are not those of the lists; none if they are. */
export function forEachProblems(
  agents: readonly Pick<AgentPlan, 'name' | 'item'>[],
  lists: readonly ForEachPlan[],
): string[] {
  const expected = new Map(
    lists.flatMap(({ name, max }) =>
      Array.from({ length: max }, (_, at) => [itemName(name, at + 1), { of: name, index: at + 1 }] as const),
    ),
  );
  const found = agents.filter(({ item }) => item !== undefined);
  const isExpected = found.every(({ name, item }) => {
    const wanted = expected.get(name);
    return wanted !== undefined && wanted.of === item!.of && wanted.index === item!.index;
  });
  if (isExpected && found.length === expected.size) return [];
  return ['the agents for items are not those of the lists'];
}
