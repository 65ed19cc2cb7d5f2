import * as z from 'zod';
import { duration } from './fields.ts';
import { expects, strict } from './schema-kit.ts';

const count = (description: string) =>
  z
    .int({ error: expects('a whole number above zero') })
    .min(1, { error: expects('a whole number above zero') })
    .optional()
    .describe(description);

export const budget = strict(
  {
    turns: count('Maximum number of turns of the model.'),
    outputTokens: count('Maximum number of output tokens.'),
    wall: duration.optional().describe('Maximum working time, such as `20m`.'),
  },
  'an object such as {"turns": 50, "wall": "20m"}',
);
