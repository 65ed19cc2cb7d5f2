import * as z from 'zod';
import { duration } from './fields.ts';
import { expects, strict } from './schema-kit.ts';

const promptForm = 'the question to the user, such as "Merge?"';

/** Wait for the decision of the user, instead of running anything. */
export const approve = strict(
  {
    prompt: z
      .string({ error: expects(promptForm) })
      .min(1, { error: expects(promptForm) })
      .max(1000, { error: 'expected at most 1000 characters' })
      .describe('The question to the user.'),
    timeout: duration.optional().describe('Time after which `default` applies. Default `24h`.'),
    default: z
      .enum(['approve', 'reject'], { error: expects('"approve" or "reject"') })
      .optional()
      .describe('The decision that applies after the timeout. Default `reject`.'),
  },
  'an object such as {"prompt": "Merge?", "timeout": "24h", "default": "reject"}',
);
