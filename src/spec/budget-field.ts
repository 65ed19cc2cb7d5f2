import * as z from 'zod';
import { duration } from './fields.ts';
import { expects, strict } from './schema-kit.ts';

const count = (what: string) =>
  z
    .int({ error: expects('a whole number above zero') })
    .min(1, { error: expects('a whole number above zero') })
    .optional()
    .describe(what);

export const budget = strict(
  {
    turns: count('How many turns the model may take.'),
    outputTokens: count('How many tokens the model may put out.'),
    wall: duration.optional().describe('How long the CLI may work, such as `20m`.'),
  },
  'an object such as {"turns": 50, "wall": "20m"}',
);
