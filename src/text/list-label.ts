/** Return the list of an agent with `forEach`: `for each of agents.plan.output.tasks, at most 20`. */
export const listLabel = ({ items, max }: { readonly items: string; readonly max: number }): string =>
  `for each of ${items}, at most ${max}`;
