import * as z from 'zod';
import { duration } from './fields.ts';
import { expects, strict } from './schema-kit.ts';

const count = (description: string) =>
  z
    .int({ error: expects('a whole number above zero') })
    .min(1, { error: expects('a whole number above zero') })
    .optional()
    .describe(description);

const dollars = expects('a number of US dollars above zero, such as 2.5');
const usd = z.number({ error: dollars }).positive({ error: dollars }).max(1e6, { error: dollars });

export const budget = strict(
  {
    turns: count('Maximum number of turns of the model.'),
    outputTokens: count('Maximum number of output tokens.'),
    usd: usd.optional().describe('Maximum cost in US dollars, of each attempt. See docs/costs.md.'),
    wall: duration.optional().describe('Maximum working time, such as `20m`.'),
  },
  'an object such as {"turns": 50, "wall": "20m"}',
);

/** The budget of a whole run. */
export const runBudget = strict(
  { usd: usd.describe('Maximum cost in US dollars of all agents together. See docs/costs.md.') },
  'an object such as {"usd": 5}',
);
