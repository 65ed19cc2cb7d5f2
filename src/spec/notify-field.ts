import * as z from 'zod';
import { envName } from './names.ts';
import { expects, strict } from './schema-kit.ts';

export const notifiedEvents = ['needsInput', 'approval', 'ended'] as const;
export const maxReceivers = 10;

/** Return whether a text is the address of a receiver of notifications. */
export const isReceiverUrl = (text: string): boolean =>
  /^https?:\/\//i.test(text) && text.length <= 2000 && URL.canParse(text);

const urlForm = 'an address such as "https://ntfy.sh/my-topic", or {"env": "NTFY_URL"}';
const eventForm = '"needsInput", "approval" or "ended"';

const url = z.union(
  [
    z.string().refine(isReceiverUrl, { error: `expected ${urlForm}` }),
    strict(
      {
        env: z
          .string({ error: expects('the name of an environment variable') })
          .regex(envName, { error: expects('the name of an environment variable') })
          .describe('The environment variable of agent-flow with the address, which is stored nowhere.'),
      },
      urlForm,
    ),
  ],
  {
    error: ({ input }) =>
      typeof input === 'object' && input !== null ? undefined : expects(urlForm)({ input }),
  },
);

/** The receivers of notifications. */
export const notify = z
  .array(
    strict(
      {
        url: url.describe(
          'The address, by HTTP or HTTPS. As text it is stored with the run; an object names the environment variable that has it.',
        ),
        on: z
          .array(z.enum(notifiedEvents, { error: expects(eventForm) }), {
            error: expects(`an array of ${eventForm}`),
          })
          .min(1, { error: `expected at least one of ${eventForm}` })
          .optional()
          .describe('The events that it gets. Default: all.'),
      },
      'an object such as {"url": {"env": "NTFY_URL"}, "on": ["approval"]}',
    ),
    { error: expects('an array of receivers, such as [{"url": "https://ntfy.sh/my-topic"}]') },
  )
  .max(maxReceivers, { error: `expected at most ${maxReceivers} receivers` });
