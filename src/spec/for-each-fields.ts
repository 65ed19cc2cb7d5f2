import * as z from 'zod';
import { maxItems } from './for-each-plan.ts';
import { expects } from './schema-kit.ts';

const form = 'a reference to a list, such as "${agents.plan.output.tasks}"';

/** The list of which each item gets an agent. */
export const forEach = z
  .string({ error: expects(form) })
  .regex(/^\$\{agents\.[^{}]+\}$/, { error: `expected ${form}` });

const maxForm = `a whole number from 1 to ${maxItems}`;

export const max = z
  .int({ error: expects(maxForm) })
  .min(1, { error: expects(maxForm) })
  .max(maxItems, { error: expects(maxForm) });

/** Return the reference in a valid `forEach`: `agents.plan.output.tasks`. */
export const listReference = (forEach: string): string => forEach.slice(2, -1);
