import * as z from 'zod';
import type { ControlPlan } from './control-plan.ts';
import { agentName } from './names.ts';
import { parseReference } from './reference.ts';

/** The default of `max`. */
export const defaultMaxItems = 20;
/** The largest `max`. */
export const maxItems = 256;

/**
 * An agent with `forEach`: it has no container, and becomes an agent for each item of a list that is known when the agents
 * that it waits for have ended. Those agents are in the plan already, `max` of them.
 */
export interface ForEachPlan extends Omit<ControlPlan, 'inputs' | 'item'> {
  readonly name: string;
  /** Its index among the agents of the spec, with approvals and the agents for its items. */
  readonly index: number;
  readonly dependsOn: readonly string[];
  /** The reference to the list: `agents.plan.output.tasks`. */
  readonly items: string;
  /** Maximum number of items. */
  readonly max: number;
}

const items = z.string().refine(text => parseReference(text)?.field === 'output');
const max = z.int().min(1).max(maxItems);

/** The list in an event. */
export const askedForEach = z.object({ items, max });

export type AskedForEach = z.infer<typeof askedForEach>;

export const forEachFields = {
  name: z.string().regex(agentName),
  index: z.int().min(0),
  dependsOn: z.array(z.string().regex(agentName)).min(1),
  items,
  max,
};
